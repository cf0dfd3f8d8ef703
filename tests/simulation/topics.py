"""What the workers of a partition leave behind, in memory: four topics, dead letters, and the group's commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulation.log import Log
from tracemill.assembly import blocks
from tracemill.assembly.restart import since_ms
from tracemill.assembly.told import Told
from tracemill.assembly.trace import Anchor
from tracemill.config import Assembly
from tracemill.evaluation.output import Output


class FencedError(RuntimeError):
    """The group's generation moved: whoever commits isn't a member any longer."""


@dataclass
class Group:
    """A consumer group. It takes commits of its latest generation only; nobody is kept from writing to a topic."""

    committed: int | None = None
    generation: int = 0

    def join(self) -> int:
        """A worker has the partition from now on, and no other."""
        self.generation += 1
        return self.generation

    def commit(self, generation: int, offset: int) -> None:
        """Raises FencedError: another worker has joined since."""
        if generation != self.generation:
            raise FencedError
        self.committed = offset


@dataclass
class Topics:
    """What was written, each record by itself, in the order in which the broker took it.

    A record of `spans` is a table of one row. Of `decisions` with their append times, those before `gone` are gone.
    """

    log: Log
    group: Group = field(default_factory=Group)
    spans: list[Any] = field(default_factory=list)
    traces: list[bytes] = field(default_factory=list)
    signals: list[bytes] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    decisions: list[tuple[int, bytes]] = field(default_factory=list)
    gone: int = 0

    def decide(self, value: bytes) -> None:
        """Append a record to `decisions.v1`, at the time that the broker's clock shows."""
        self.decisions.append((self.log.clock_ms, value))

    def told(self, since_ms: int) -> Told:
        """The blocks that a worker reads since then; those that can't be read are passed over."""
        told = Told()
        first = max(self.gone, self._place(since_ms))
        for offset, (_, value) in enumerate(self.decisions[first:], first):
            with suppress(ValueError):
                told.take(offset, value)
        return told

    def since_ms(self, limits: Assembly, start: int | None) -> int:
        """Since when a worker needs blocks that begins at an offset; where nothing is committed, since ever."""
        before = None if start is None else self.log.append_ms(start - 1)
        if before is None or not self.decisions:
            return 0
        return since_ms(limits, before, self.decisions[-1][0])

    def first_needed(self, limits: Assembly) -> int:
        """The first record of `decisions.v1` that a worker reads which begins at the commit."""
        return self._place(self.since_ms(limits, self.group.committed))

    def _place(self, since_ms: int) -> int:
        return next((place for place, (at, _) in enumerate(self.decisions) if at >= since_ms), len(self.decisions))

    def spoil(self, limits: Assembly, which: int, value: bytes) -> None:
        """One of the records of `decisions.v1` that the next worker needs becomes another one."""
        first = max(self.gone, self.first_needed(limits))
        if first < len(self.decisions):
            place = first + which % (len(self.decisions) - first)
            self.decisions[place] = self.decisions[place][0], value


class Producer:
    """One worker's: what it sends waits until it is delivered, record by record."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._waiting: deque[Callable[[], None]] = deque()

    def write(self, outputs: Sequence[Output]) -> None:
        """Send spans, a row a record, then trace lines, then signals."""
        for output in outputs:
            rows = [table.slice(row, 1) for table in output.spans for row in range(len(table))]
            for topic, records in (("spans", rows), ("traces", output.traces), ("signals", output.signals)):
                self._waiting += [partial(getattr(self._topics, topic).append, record) for record in records]

    def write_blocks(self, outputs: Sequence[Output], anchors: Mapping[int, Anchor]) -> None:
        """Send decisions, a row a record; one without rows when there are none."""
        for output in outputs:
            table = blocks.SCHEMA.empty_table() if output.block is None else output.block
            last = max(len(table), 1) - 1
            for row in range(last + 1):
                block = blocks.write(table.slice(row, 1), anchors[output.partition], more=row < last)
                self._waiting.append(partial(self._topics.decide, block))

    def dead_letter(self, letter: bytes) -> None:
        """Send what couldn't be read."""
        self._waiting.append(partial(self._topics.letters.append, letter))

    def deliver(self) -> Iterator[str]:
        """Have one record after the other taken."""
        while self._waiting:
            self._waiting.popleft()()
            yield "written"
