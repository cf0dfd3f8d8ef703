"""What was decided lately stays in memory with its spans: for the grace, up to a limit, and until it is settled."""

from __future__ import annotations

import pytest

from tests.builders.traces import open_trace
from tracemill.assembly.recent import Recent
from tracemill.assembly.trace import ClosedBy, Closing, Decided, OpenTrace
from tracemill.config import Assembly
from tracemill.decode.groups import Sender

GRACE = 50
SENDER = Sender(b"default", b"", b"")


class Past:
    """What is remembered elsewhere."""

    def __init__(self, *decided: Decided) -> None:
        self._decided = {one.key: one for one in decided}

    def get(self, key: bytes, now_ms: int) -> Decided | None:
        return self._decided.get(key)


def recent(limit_bytes: int = 1_000, past: Past | None = None) -> Recent:
    return Recent(Assembly(late_grace_ms=GRACE, late_grace_bytes=limit_bytes), past or Past())


def closed(where: Recent, trace: OpenTrace, at: int, settled: bool = True) -> Decided:
    decided = where.close(trace, at)
    if settled:
        where.settle([Closing(trace, decided, ClosedBy.COMPLETE, at, 0, "")])
    return decided


@pytest.mark.parametrize(
    ("now", "settled", "limit_bytes", "kept"),
    [
        (7 + GRACE - 1, True, 1_000, True),
        (7 + GRACE, True, 1_000, False),
        (7 + GRACE, False, 1_000, True),
        (7, True, 9, False),
        (7, True, 10, True),
        (7, False, 9, True),
    ],
    ids=["in the grace", "after it", "not written down yet", "too much", "just not too much", "too much, not written"],
)
def test_how_long_it_stays(now: int, settled: bool, limit_bytes: int, kept: bool) -> None:
    where, trace = recent(limit_bytes), open_trace(at=5)
    decided = closed(where, trace, 7, settled)
    where.forget(now)
    assert where.get(trace.key, now) is (decided if kept else None)
    assert where.grace_bytes == (trace.size if kept else 0)


def test_behind_it_is_what_is_remembered() -> None:
    trace = open_trace()
    remembered = closed(recent(), trace, 7)
    where = recent(past=Past(remembered))
    assert where.get(trace.key, 100) is remembered
    decided = closed(where, trace, 9)
    assert where.get(trace.key, 100) is decided


def test_a_revision_takes_over_what_was_known_and_outlives_it() -> None:
    where, first = recent(), open_trace(at=5)
    first.pieces.append((b"first", SENDER, 5, 1))
    before = closed(where, first, 7)
    again = OpenTrace(first.key, before.opened_at, 20, 20, before, rooted=True, records=[20])
    again.pieces.append((b"second", SENDER, 20, 1))
    after = closed(where, again, 40)
    assert (after.opened_at, after.records, after.first_through, after.rooted) == (5, [5, 20], 5, True)
    assert after.pieces == first.pieces + again.pieces
    where.forget(7 + GRACE)
    assert where.get(first.key, 60) is after


def test_a_trace_that_has_become_too_large_goes_on_with_its_latest_spans_alone() -> None:
    limits = Assembly(max_spans=2)
    where, trace = Recent(limits, Past()), open_trace(at=5)
    trace.spans, trace.pieces = 3, [(b"first", SENDER, 5, 3)]
    before = where.close(trace, 7)
    again = OpenTrace(trace.key, 5, 20, 20, before, rooted=True, spans=2, span_bytes=60, records=[20])
    again.pieces.append((b"second", SENDER, 20, 2))
    after = where.close(again, 40)
    assert (after.records, after.pieces, after.first_through) == ([20], again.pieces, 5)
    assert (after.spans, after.span_bytes, after.whole) == (5, 60, False)


def test_spans_that_have_left_memory_stay_away() -> None:
    where, trace = recent(), open_trace(at=5)
    before = closed(where, trace, 7)
    before.pieces = None
    again = OpenTrace(trace.key, 5, 20, 20, before, rooted=False, records=[20])
    assert closed(where, again, 40).pieces is None


def test_what_is_older_than_the_horizon_is_forgotten_even_if_it_is_not_written_down_yet() -> None:
    where, trace = recent(), open_trace(at=5)
    horizon = Assembly().memory_horizon_ms
    decided = closed(where, trace, 7, settled=False)
    assert where.get(trace.key, 7 + horizon) is decided
    assert where.get(trace.key, 7 + horizon + 1) is None


def test_a_trace_of_which_spans_are_gone_is_not_whole_in_the_next_revision_either() -> None:
    where, trace = recent(), open_trace()
    first = closed(where, trace, 7)
    first.whole = False
    late = open_trace(at=9)
    late.before = first
    assert not closed(where, late, 12).whole


def test_a_trace_that_is_read_again_may_be_whole() -> None:
    where, trace = recent(), open_trace()
    first = closed(where, trace, 7)
    first.whole, first.pieces = False, None
    late = open_trace(at=9)
    late.before = first
    again = closed(where, late, 12)
    assert (again.pieces, again.whole) == (None, True)
