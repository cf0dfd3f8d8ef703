"""What the workers of a partition leave behind, in memory: four topics, dead letters, and the group's commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulation.log import Log
from tracemill.assembly import blocks
from tracemill.assembly.restart import since_ms
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

    def past(self, limits: Assembly) -> list[bytes]:
        """The blocks that a worker reads that takes the partition over."""
        return [value for _, value in self.decisions[max(self.gone, self.first_needed(limits)) :]]

    def first_needed(self, limits: Assembly) -> int:
        """The first record of `decisions.v1` that a worker reads: where nothing is committed, the first there is."""
        committed = self.group.committed
        before = None if committed is None else self.log.append_ms(committed - 1)
        if before is None or not self.decisions:
            return 0
        since = since_ms(limits, before, self.decisions[-1][0])
        return next((place for place, (at, _) in enumerate(self.decisions) if at >= since), len(self.decisions))


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
            for row in range(max(len(table), 1)):
                block = blocks.write(table.slice(row, 1), anchors[output.partition])
                self._waiting.append(partial(self._topics.decide, block))

    def dead_letter(self, letter: bytes) -> None:
        """Send what couldn't be read."""
        self._waiting.append(partial(self._topics.letters.append, letter))

    def deliver(self) -> Iterator[str]:
        """Have one record after the other taken."""
        while self._waiting:
            self._waiting.popleft()()
            yield "written"
