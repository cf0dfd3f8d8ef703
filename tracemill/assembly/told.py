"""By which blocks of `decisions.v1` does a worker go that takes a partition over, and where does it begin to read?

At the commit, and by all of them. But a block that can't be read may have told of anything: what was decided, and which
records belong to traces that are still open. The log tells it again. So a worker then goes by the blocks before that
one, and begins where the last of them says that reading can begin again, as if nobody had got any further. It marks
that, and its successors go by what is told from the mark on instead of what lies between.

Where the log doesn't reach back so far, it begins with the oldest record, and goes by all blocks that can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tracemill.assembly import blocks
from tracemill.assembly.blocks import Block
from tracemill.assembly.trace import Anchor
from tracemill.sampling.steering import Steering


class Told:
    """What the blocks of a partition tell, taken in the order of the topic.

    After `start`, `blocks` are those to go by, and `again` is the offset of the one that can't be read, if what was
    told since is decided again.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.again: int | None = None
        self._takeovers: Counter[int] = Counter()
        self._gap: int | None = None
        self._gap_at = 0
        self._mark: Block | None = None
        self._marked_at = 0

    @property
    def has_gap(self) -> bool:
        """Whether nobody has told again yet what a block told that can't be read."""
        return self._gap is not None

    def take(self, offset: int, value: bytes) -> None:
        """Read the block at an offset of `decisions.v1`.

        Raises:
            ValueError: it isn't one; then there is a gap.
        """
        try:
            block = blocks.read(value)
            blocks.check(block)
        except ValueError:
            if self._gap is None:
                self._gap, self._gap_at = len(self.blocks), offset
            raise
        if block.takeover:
            self._begin(block)
        else:
            self.blocks.append(block)

    def takeovers(self, start: Anchor) -> int:
        """How many workers have begun there before; more than a few never got beyond it."""
        return self._takeovers[start.offset]

    def start(
        self, committed: int | None, oldest: Callable[[], int], otherwise: Callable[[], Steering] = Steering
    ) -> Anchor:
        """Where to begin: the state just before the record there.

        Args:
            committed: the committed offset, None if nothing is committed.
            oldest: the offset of the oldest record that the log has.
            otherwise: what steers, where no block tells it; log time then begins with the next record's append time.
        """
        commit = committed or 0
        known = self._anchors(self._marked_at, self._gap)
        if self._gap is None and self._mark is None:
            return known.get(commit) or Anchor(commit, None, 0, otherwise())
        latest = _latest(known, commit)
        if self._gap is None:
            return latest or Anchor(commit, None, 0, otherwise())
        first = oldest()
        latest = latest or (Anchor(0, None, 0) if first == 0 else None)
        if latest and latest.offset >= first:
            del self.blocks[self._gap :]
            self.again = self._gap_at
            return latest
        first = min(first, commit)
        return (_latest(self._anchors(), first) or Anchor(first, None, 0, otherwise()))._replace(offset=first)

    def _begin(self, mark: Block) -> None:
        """A worker has begun; if it decides again what is unknown, then nothing else is gone by that was told of it."""
        self._takeovers[mark.anchor.offset] += 1
        if self._gap is not None and mark.again is not None and mark.again <= self._gap_at:
            del self.blocks[self._gap :]
            self._mark, self._marked_at, self._gap = mark, len(self.blocks), None

    def _anchors(self, first: int = 0, end: int | None = None) -> dict[int, Anchor]:
        marks = [self._mark] if self._mark else []
        told = [block for block in self.blocks[first:end] if not block.more]
        return {block.anchor.offset: block.anchor for block in marks + told}


def recall(
    committed: int | None,
    since_ms: Callable[[int | None], int],
    read: Callable[[int], Told],
    oldest: Callable[[], int],
    otherwise: Callable[[], Steering] = Steering,
) -> tuple[Told, Anchor]:
    """What a worker goes by, and where it begins; read from further back where it doesn't begin at the commit.

    Args:
        committed: as in `Told.start`, like `oldest` and `otherwise`.
        since_ms: since when blocks are needed by one that begins at an offset.
        read: reads the blocks since then.
    """
    since = since_ms(committed)
    while True:
        told = read(since)
        start = told.start(committed, oldest, otherwise)
        needed = since_ms(start.offset) if start.offset < (committed or 0) else since
        if needed >= since:
            return told, start
        since = needed


def _latest(anchors: dict[int, Anchor], offset: int) -> Anchor | None:
    """The last one that isn't behind an offset."""
    return max((anchor for anchor in anchors.values() if anchor.offset <= offset), default=None, key=_offset)


def _offset(anchor: Anchor) -> int:
    return anchor.offset
