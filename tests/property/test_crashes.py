"""Whatever the log holds, and wherever its workers are killed, stopped and resumed: what was decided stays decided."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.builders.bundles import S
from tests.simulation.acts import (
    FIRST,
    HISTORIES,
    LOSSES,
    RESUME,
    SPOILT,
    SPOILT_AND_LOST,
    WORK,
    Act,
    Displace,
    Kill,
    Resume,
    Retain,
    Work,
)
from tests.simulation.outcome import outcome
from tests.simulation.partition import Partition
from tests.simulation.workload import LIMITS, Rules, Sent, Tick
from tracemill.assembly import blocks
from tracemill.config import Assembly

EXAMPLES = settings().max_examples
"""The profile's: `pytest --hypothesis-profile=hours tests/property/test_crashes.py` tries a hundred times as many."""

MECHANISMS = {
    "carried over a restart", "shadows", "brought back from the log", "fenced", "records gone", "decisions gone",
    "complete", "idle", "max_age", "max_spans", "max_bytes", "memory",
    "late", "beyond", "only repeated", "promoted", "forgotten",
    "stale", "undecodable", "errors", "large", "probes", "default",
}  # fmt: skip
"""What a search that misses one of them would say nothing about."""

SMALL = Assembly(
    quiet_period_ms=20, max_idle_ms=60, max_age_ms=150, carry_after_ms=40, late_grace_ms=1, memory_horizon_ms=400
)


def spans(trace: int, *numbers: int, parent: int | None = 9) -> Sent:
    """Spans of one trace; without a `parent` they are roots."""
    return Sent([("acme", S(trace=trace, span=number, parent=parent)) for number in numbers])


CLOSES_MEANWHILE = (
    SMALL,
    [
        Work([(0, spans(1, 1))], 1, None),
        Work([(30, spans(1, 2)), (15, Tick())], 2, 1),
        Work([(50, Tick())], 1, None),
        Kill(),
    ],
)
"""A carried trace closes while a flush is under way: the commit must not pass the record that closed it."""

CLOSES_TWICE = (
    SMALL.model_copy(update={"partition_bytes": 3_000, "max_age_ms": 70}),
    [
        Work([(0, spans(1, 0, parent=None)), (5, spans(2, 0, 1))], 2, None),
        Work([(20, spans(1, 1, 2, 3, 4, 5))], 1, 19),  # so many steps: all but the commit
        Kill(),
        Work([(75, Tick()), (1, spans(3, 0, 1, 2))], 5, None),
    ],
)
"""A record closes a trace and, because it is too much, its next revision: after a restart both count until then."""

LISTED_LATER = (
    SMALL,
    [
        Work([(0, spans(1, 1)), (25, spans(2, 1)), (5, spans(1, 0, parent=None)), (11, Tick())], 4, None),
        Kill(),
        Work([(4, spans(1, 2)), (15, spans(1, 3)), (12, Tick())], 9, None),
    ],
)
"""Records on both sides of the commit were listed together, behind it: the later ones haven't come yet."""

STAYS_OPEN = (
    SMALL.model_copy(update={"quiet_period_ms": 150, "max_age_ms": 300, "carry_after_ms": 10}),
    [
        Work([(0, spans(1, 0, parent=None)), (160, Tick())], 2, None),
        Work([(380, spans(1, 1)), (20, Tick()), (20, Tick())], 3, None),
        Kill(),
    ],
)
"""A trace goes on with what was decided longer than the horizon ago, but not when it was opened again."""

SET_BACK = SMALL, [Work([(3_000, Rules(0)), (-3_000, spans(0x01D0, 0, parent=None))], 2, None), Kill()]
"""The record before the commit was appended long after everything behind it, by the broker's clock."""

LONG_IDLE = (
    SMALL,
    [Work([(0, Rules(0)), (0, Tick())], 2, None), Work([(5_000, spans(0x0110, 0))], 1, None), Kill(), Kill()],
)
"""The record at the commit was appended long after everything before it, and since then nobody got any further."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Each dead letter is an error in the log, and here they come by the thousand."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def played(limits: Assembly, acts: list[Act]) -> Partition:
    """A partition to which this happened, step by step, and which then came to rest."""
    partition = Partition(limits)
    partition.start()
    for act in acts:
        act.on(partition)
        partition.check()
    partition.drain()
    return partition


def test_all_of_it_is_what_an_uninterrupted_worker_and_an_independent_reader_say() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES * 6 // 5)
    @given(LIMITS, HISTORIES)
    @example(*CLOSES_MEANWHILE)
    @example(*CLOSES_TWICE)
    @example(*LISTED_LATER)
    @example(*STAYS_OPEN)
    @example(*SET_BACK)
    @example(*LONG_IDLE)
    def play(limits: Assembly, acts: list[Act]) -> None:
        partition = played(limits, acts)
        partition.verify()
        seen.update(partition.seen)

    play()
    if settings().derandomize:  # else the dice may miss something rare
        assert MECHANISMS - {name for name, count in seen.items() if count} == set()


class Crashes(RuleBasedStateMachine):
    """A partition to whose workers anything may happen at any step."""

    @initialize(limits=LIMITS, first=FIRST)
    def begin(self, limits: Assembly, first: Work) -> None:
        self.partition = Partition(limits)
        self.partition.start()
        first.on(self.partition)

    @rule(work=WORK)
    def work(self, work: Work) -> None:
        work.on(self.partition)

    @rule(what=st.sampled_from([Kill(), Displace(), Retain()]))
    def befall(self, what: Act) -> None:
        what.on(self.partition)

    @rule(resume=RESUME)
    def resume(self, resume: Resume) -> None:
        resume.on(self.partition)

    @invariant()
    def promises(self) -> None:
        if hasattr(self, "partition"):
            self.partition.check()

    def teardown(self) -> None:
        if hasattr(self, "partition"):
            self.partition.drain()
            self.partition.verify()


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(max_examples=EXAMPLES // 2, stateful_step_count=20)


@settings(max_examples=EXAMPLES // 2)
@given(LIMITS, LOSSES)
def test_what_the_log_lost_stops_nobody_and_takes_no_decision_back(limits: Assembly, acts: list[Act]) -> None:
    partition = Partition(limits, loses=True)
    partition.start()
    for act in acts:
        act.on(partition)
    partition.drain()
    history: dict[tuple[bytes, int], list[tuple[int, bool, float]]] = defaultdict(list)
    for row in outcome(partition.topics).decisions:
        if row["row"] == blocks.DECIDED:
            mark = row["trace_id"] + row["tenant"].encode(), row["opened_at"]
            history[mark].append((row["revision"], row["keep"], row["probability"]))
    for rows in history.values():
        assert [revision for revision, _, _ in rows] == sorted(revision for revision, _, _ in rows)
        assert [verdict for _, *verdict in rows] == sorted(verdict for _, *verdict in rows)


def test_decisions_that_cannot_be_read_are_made_again_as_they_were() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES // 2)
    @given(LIMITS, SPOILT)
    def play(limits: Assembly, acts: list[Act]) -> None:
        partition = played(limits, acts)
        partition.verify()
        seen.update(partition.seen)

    play()
    assert seen["decided again"]


def test_decisions_that_cannot_be_read_stop_nobody_where_the_log_has_lost_them_too() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES // 2)
    @given(LIMITS, SPOILT_AND_LOST)
    def play(limits: Assembly, acts: list[Act]) -> None:
        partition = Partition(limits, loses=True)
        partition.start()
        for act in acts:
            act.on(partition)
        partition.drain()
        seen.update(partition.seen)

    play()
    assert seen["decided again in part"]
