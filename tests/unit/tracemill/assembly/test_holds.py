"""A commit waits for the oldest record that is neither decided nor listed."""

from __future__ import annotations

from tests.builders.traces import anchor, open_trace
from tracemill.assembly.holds import Holds, carry
from tracemill.assembly.memory import Memory
from tracemill.assembly.recent import Recent
from tracemill.assembly.trace import Anchor, ClosedBy, Closing, OpenTrace
from tracemill.config import Assembly
from tracemill.sampling.steering import Steering

CARRY_AFTER = 30


def begun(*traces: OpenTrace) -> Holds:
    holds = Holds(CARRY_AFTER)
    for trace in traces:
        holds.begin(trace, anchor(trace.records[0]), trace.first_at)
    return holds


def closing(trace: OpenTrace) -> Closing:
    trace.is_open = False
    decided = Recent(Assembly(), Memory(1)).close(trace, 0)
    return Closing(trace, decided, ClosedBy.COMPLETE, 0, 0, Steering())


def test_a_commit_follows_the_oldest_trace_whatever_is_decided_behind_it() -> None:
    first, second, third = (open_trace(number, at=number) for number in (1, 2, 3))
    holds = begun(first, second, third)
    assert holds.release([closing(second)]) == anchor(1)
    assert holds.release([closing(first)]) == anchor(3)
    assert holds.release([closing(third)]) is None


def test_a_trace_is_carried_once_its_oldest_record_that_is_not_listed_has_waited() -> None:
    trace = open_trace(at=5)
    holds = begun(trace)
    assert list(holds.due(5 + CARRY_AFTER - 1)) == []
    assert list(holds.due(5 + CARRY_AFTER)) == [(5 + CARRY_AFTER, trace)]
    assert list(holds.due(5 + CARRY_AFTER)) == []


def test_what_is_carried_holds_nothing_until_more_comes() -> None:
    trace = open_trace(at=5)
    holds = begun(trace)
    first = carry(trace, 35, cause=40)
    assert (first.records, first.times, first.sizes) == ((5,), (5,), (10,))
    assert trace.hold is None
    assert holds.release([first]) is None
    for column, value in ((trace.records, 50), (trace.times, 50), (trace.sizes, 7)):
        column.append(value)
    holds.begin(trace, anchor(50), 50)
    assert holds.release([]) == anchor(50)
    second = carry(trace, 80, cause=90)
    assert (second.records, second.times, second.sizes) == ((50,), (50,), (7,))
    assert holds.release([second]) is None


def test_what_closed_meanwhile_is_not_carried() -> None:
    trace = open_trace(at=5)
    holds = begun(trace)
    closing(trace)
    assert list(holds.due(1_000)) == []


def test_a_restart_holds_what_was_held_in_the_order_of_the_log() -> None:
    held, listed, older = open_trace(1, at=9), open_trace(2, at=3), open_trace(3, at=4)
    before = begun(held, older)
    assert before.release([]) == Anchor(9, 9, 9)
    after = Holds(CARRY_AFTER)
    after.restore([held, listed, older])
    assert after.release([]) == anchor(4)
    assert [trace for _, trace in after.due(1_000)] == [older, held]
