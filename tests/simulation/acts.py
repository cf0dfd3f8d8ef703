"""Strategies: what happens to the workers of a partition."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from hypothesis import strategies as st

from tests.builders.decisions import block, row, stream
from tests.simulation.partition import Partition
from tests.simulation.workload import DRAFTS, STEPS_MS, Draft, Rules, weighted

Records = list[tuple[int, Draft]]

RECORDS = st.lists(st.tuples(STEPS_MS, DRAFTS), min_size=1, max_size=5)
STEPS = weighted((3, st.none()), (2, st.integers(1, 12)))
"""How far a flush goes: mostly to its end."""


@dataclass(frozen=True)
class Work:
    """Records are appended; the worker reads some, and goes on with its flush."""

    records: Records
    count: int
    steps: int | None

    def on(self, partition: Partition) -> None:
        for step_ms, draft in self.records:
            partition.append(draft, step_ms)
        assert partition.owner
        partition.feed(partition.owner, self.count)
        partition.flush(partition.owner, self.steps)


@dataclass(frozen=True)
class Kill:
    """The worker is killed, and another takes over."""

    def on(self, partition: Partition) -> None:
        partition.crash()
        partition.start()


@dataclass(frozen=True)
class Displace:
    """Another worker takes over; the one before doesn't know."""

    def on(self, partition: Partition) -> None:
        partition.start()


@dataclass(frozen=True)
class Resume:
    """One that was displaced goes on: reads, and writes."""

    which: int
    count: int
    steps: int | None

    def on(self, partition: Partition) -> None:
        if partition.zombies:
            zombie = partition.zombies[self.which % len(partition.zombies)]
            partition.feed(zombie, self.count)
            partition.flush(zombie, self.steps)


@dataclass(frozen=True)
class Retain:
    """What nobody needs any longer is removed."""

    def on(self, partition: Partition) -> None:
        partition.retain()


@dataclass(frozen=True)
class Lose:
    """The oldest records go, whether somebody needs them or not; nobody resumes after that."""

    count: int

    def on(self, partition: Partition) -> None:
        partition.log.oldest = min(partition.log.oldest + self.count, len(partition.log))


@dataclass(frozen=True)
class Spoil:
    """A record of the decisions can't be read any longer when the worker is killed and another takes over."""

    which: int
    value: bytes

    def on(self, partition: Partition) -> None:
        partition.spoil(self.which, self.value)
        Kill().on(partition)


Act = Work | Kill | Displace | Resume | Retain | Lose | Spoil

WORK = st.builds(Work, RECORDS, st.integers(0, 8), STEPS)
RESUME = st.builds(Resume, st.integers(0, 2), st.integers(0, 4), STEPS)
ACTS = weighted((12, WORK), (3, st.just(Kill())), (2, st.just(Displace())), (4, RESUME), (1, st.just(Retain())))
FIRST = weighted((5, st.just(0)), (1, st.just(1)), (1, st.just(2))).map(
    lambda which: Work([(0, Rules(which))], 1, None)
)
"""The rules that hold in the beginning."""
HISTORIES = st.builds(lambda first, acts: [first, *acts], FIRST, st.lists(ACTS, min_size=8, max_size=16))
LOSE = st.builds(Lose, st.integers(1, 12))
LOSSES = st.lists(weighted((12, WORK), (3, st.just(Kill())), (1, LOSE)), min_size=8, max_size=16)
"""With a log that is kept for too short a time."""
NO_BLOCKS = (b"", b"garbage", block([row()])[:-40], stream(pa.table({"row": ["decided"]}), {b"anchor": b"[0,0,0]"}))
SPOIL = st.builds(Spoil, st.integers(0, 1_000), st.sampled_from(NO_BLOCKS))
SPOILT = st.builds(
    lambda first, acts: [first, *acts],
    FIRST,
    st.lists(weighted((12, WORK), (3, st.just(Kill())), (3, SPOIL)), min_size=8, max_size=16),
)
SPOILT_AND_LOST = st.lists(weighted((12, WORK), (2, st.just(Kill())), (2, SPOIL), (1, LOSE)), min_size=8, max_size=16)
"""Decisions can't be read, and the log doesn't reach back to them either."""
