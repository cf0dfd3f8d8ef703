"""An open trace is due after a quiet period, after idleness without its root, and at its age."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.builders.traces import open_trace
from tracemill.assembly.trace import ClosedBy, Decided, OpenTrace
from tracemill.assembly.waits import Waits
from tracemill.config import Assembly

LIMITS = Assembly(quiet_period_ms=20, max_idle_ms=60, max_age_ms=150)


def waiting(*traces: OpenTrace, limits: Assembly = LIMITS) -> Waits:
    waits = Waits(limits)
    for trace in traces:
        waits.begin([trace])
        waits.go_on([trace], trace.last_at)
    return waits


def go_on(waits: Waits, trace: OpenTrace, at: int) -> None:
    trace.last_at = at
    waits.go_on([trace], at)


def test_with_its_root_a_trace_waits_for_quiet_and_without_it_longer() -> None:
    whole, part = open_trace(1, rooted=True), open_trace(2)
    waits = waiting(whole, part)
    assert list(waits.due(19)) == []
    assert list(waits.due(20)) == [(20, whole, ClosedBy.COMPLETE)]
    assert list(waits.due(60)) == [(60, part, ClosedBy.IDLE)]


def test_whatever_comes_starts_the_wait_anew_but_for_the_age() -> None:
    trace = open_trace(rooted=True)
    waits = waiting(trace)
    for at in range(15, 150, 15):
        assert list(waits.due(at)) == []
        go_on(waits, trace, at)
    assert list(waits.due(150)) == [(150, trace, ClosedBy.MAX_AGE)]


def test_a_large_trace_that_was_decided_before_waits_longer() -> None:
    small, large = open_trace(1), open_trace(2)
    small.before = Decided(small.key, 0, 0, [0], 0, True, None, 5, 100)
    large.before = Decided(large.key, 0, 0, [0], 0, True, None, LIMITS.max_spans // 5, 100)
    waits = waiting(small, large)
    assert list(waits.due(20)) == [(20, small, ClosedBy.IDLE)]
    go_on(waits, large, 30)
    assert waits.next_due() == 110
    assert list(waits.due(109)) == []
    assert list(waits.due(110)) == [(110, large, ClosedBy.IDLE)]


def test_a_root_that_comes_late_shortens_the_wait() -> None:
    trace = open_trace()
    waits = waiting(trace)
    trace.rooted = True
    go_on(waits, trace, 30)
    assert waits.next_due() == 50
    assert list(waits.due(50)) == [(50, trace, ClosedBy.COMPLETE)]


def test_a_root_that_comes_at_once_makes_it_wait_for_quiet_however_long_that_is() -> None:
    trace = open_trace()
    waits = waiting(trace, limits=Assembly(quiet_period_ms=60, max_idle_ms=20))
    trace.rooted = True
    go_on(waits, trace, 0)
    assert list(waits.due(59)) == []
    assert list(waits.due(60)) == [(60, trace, ClosedBy.COMPLETE)]


def test_the_oldest_is_the_one_that_began_first_and_then_by_key() -> None:
    waits = Waits(LIMITS)
    first, second, third = (open_trace(number) for number in (1, 2, 3))
    waits.begin([third, second])
    waits.begin([first])
    assert [waits.oldest() for _ in range(3)] == [second, third, first]


def test_a_restart_waits_as_before_and_knows_what_is_oldest() -> None:
    late, early, shadow = open_trace(1, at=9, rooted=True), open_trace(2, at=3), open_trace(3, at=5)
    shadow.shadow = True
    waits = Waits(LIMITS)
    waits.restore([late, early], [shadow])
    assert waits.next_due() == 9 + 20
    assert [trace for _, trace, _ in waits.due(63)] == [late, early]
    assert [waits.oldest() for _ in range(3)] == [early, shadow, late]


events = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 40)), max_size=20)


@given(events)
def test_next_due_is_when_something_is_due_first(drawn: list[tuple[int, bool, int]]) -> None:
    waits, traces, now = Waits(LIMITS), {}, 0
    for number, rooted, step in drawn:
        now += step
        for _, trace, _ in waits.due(now):
            trace.is_open = False
            traces = {key: one for key, one in traces.items() if one is not trace}
        if number not in traces:
            traces[number] = open_trace(number, at=now)
            waits.begin([traces[number]])
        traces[number].rooted |= rooted
        go_on(waits, traces[number], now)
    expected = [
        min(one.last_at + (20 if one.rooted else 60), one.first_at + LIMITS.max_age_ms) for one in traces.values()
    ]
    found = waits.next_due()
    assert found == min(expected, default=None)
    if found is not None:
        assert list(waits.due(found - 1)) == []
        assert next(waits.due(found))[0] == found
