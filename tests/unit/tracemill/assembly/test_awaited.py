"""What waits for its trace waits so long, holds the commit for as long, and is bounded."""

from __future__ import annotations

from tests.builders.bundles import trace_id
from tests.builders.traces import anchor, open_trace
from tracemill.assembly import awaited
from tracemill.assembly.awaited import Awaited
from tracemill.assembly.holds import Holds

WAIT = 30
KEY = trace_id(1) + b"default"


def waiting() -> tuple[Awaited, Holds]:
    holds = Holds(1_000)
    found = Awaited(WAIT, holds)
    found.add(KEY, "feedback", anchor(5), 100)
    return found, holds


def test_it_holds_until_its_time_is_over() -> None:
    found, holds = waiting()
    assert found.next_due() == 130
    found.end(129)
    assert (len(found), holds.release([])) == (1, anchor(5))
    found.end(130)
    assert (len(found), holds.release([])) == (0, None)


def test_the_trace_that_comes_is_promoted_once_and_holds_instead() -> None:
    found, holds = waiting()
    found.add(KEY, "again", anchor(6), 110)
    trace, other = open_trace(1, at=7), open_trace(1, at=8)
    found.meet(trace, 120)
    found.meet(other, 121)
    assert (trace.promoted, other.promoted, len(found)) == ("feedback", "", 0)
    found.end(10_000)
    assert holds.release([]) == anchor(5)
    assert list(holds.due(1_120)) == [(1_120, trace)]


def test_there_is_room_for_so_many_and_the_oldest_gives_way() -> None:
    found, holds = waiting()
    for number in range(awaited.MOST):
        found.add(trace_id(number + 2) + b"default", "feedback", anchor(number + 6), 100)
    assert len(found) == awaited.MOST
    assert holds.release([]) == anchor(6)
