"""What a trace's size says: when it closes, how long it waits, and when it isn't computed again."""

from __future__ import annotations

import pytest

from tests.builders.traces import open_trace
from tracemill.assembly import sizes
from tracemill.assembly.trace import ClosedBy, Decided, OpenTrace
from tracemill.config import Assembly

LIMITS = Assembly(max_spans=1_000, max_trace_bytes=100_000, quiet_period_ms=10, max_age_ms=120)


def decided(spans: int, span_bytes: int, records: int = 1) -> Decided:
    return Decided(b"key", 0, 0, list(range(records)), 0, True, None, spans, span_bytes)


def late(before: Decided) -> OpenTrace:
    trace = open_trace()
    trace.before = before
    return trace


@pytest.mark.parametrize(
    ("spans", "span_bytes", "records", "closes"),
    [
        (999, 99_999, 999, None),
        (1_000, 0, 1, ClosedBy.MAX_SPANS),
        (1_000, 100_000, 1, ClosedBy.MAX_SPANS),
        (1, 100_000, 1, ClosedBy.MAX_BYTES),
        (0, 0, 1_000, ClosedBy.MAX_SPANS),
    ],
)
def test_what_closes_a_trace(spans: int, span_bytes: int, records: int, closes: ClosedBy | None) -> None:
    trace = open_trace()
    trace.spans, trace.span_bytes, trace.records = spans, span_bytes, list(range(records))
    assert sizes.closes(trace, LIMITS) is closes


@pytest.mark.parametrize(
    ("spans", "span_bytes", "waits_ms"),
    [(0, 0, 10), (50, 5_000, 10), (99, 0, 10), (100, 0, 20), (0, 15_000, 30), (500, 0, 100), (900, 0, 120)],
)
def test_the_larger_it_was_the_longer_it_waits_but_never_beyond_its_age(
    spans: int, span_bytes: int, waits_ms: int
) -> None:
    assert sizes.quiet_ms(late(decided(spans, span_bytes)), LIMITS) == waits_ms


def test_one_that_was_never_decided_waits_as_told_however_large_it_is() -> None:
    trace = open_trace()
    trace.spans = 900
    assert sizes.quiet_ms(trace, LIMITS) == LIMITS.quiet_period_ms


def test_one_that_is_not_computed_again_waits_as_told() -> None:
    assert sizes.quiet_ms(late(decided(2_001, 0)), LIMITS) == LIMITS.quiet_period_ms


def test_a_quiet_period_beyond_the_greatest_age_stays_what_it_is() -> None:
    limits = LIMITS.model_copy(update={"quiet_period_ms": 500})
    assert sizes.quiet_ms(late(decided(900, 0)), limits) == 500


@pytest.mark.parametrize(
    ("spans", "span_bytes", "beyond"), [(2_000, 200_000, False), (2_001, 0, True), (1, 200_001, True)]
)
def test_twice_of_what_closes_it_is_computed_and_no_more(spans: int, span_bytes: int, beyond: bool) -> None:
    assert sizes.beyond(decided(spans, span_bytes), LIMITS) is beyond
