"""What a restart knows of open traces when the log has lost some or all of them, and since when it has to read."""

from __future__ import annotations

from tests.builders.bundles import S, bundle, trace_id
from tests.builders.decisions import block, row
from tests.builders.partition import Logged, Worker, Written
from tracemill.assembly import blocks
from tracemill.assembly.excerpt import Bundle
from tracemill.assembly.restart import Past, since_ms
from tracemill.assembly.told import Told
from tracemill.assembly.trace import Anchor, ClosedBy, Closing
from tracemill.config import Assembly

LIMITS = Assembly(quiet_period_ms=20, max_idle_ms=300, max_age_ms=400, carry_after_ms=40, memory_horizon_ms=1_000)
NOW_MS = 1_760_000_000_000


def carried() -> Written:
    """A trace without a root that was carried, and the commit beyond its record."""
    log: list[Logged] = [(NOW_MS, *bundle([S(trace=1, parent=7)])), (NOW_MS + 60, b"", b""), (NOW_MS + 70, b"", b"")]
    written = Written()
    worker = Worker(LIMITS, log, written)
    while worker.feed():
        worker.flush()
    assert written.commit
    return written


def began(written: Written) -> tuple[Past, Anchor]:
    """What the next worker knows, and where it begins."""
    told = Told()
    for offset, value in enumerate(written.blocks):
        told.take(offset, value)
    start = told.start(written.commit, lambda: 0)
    return Past(told.blocks), start


def test_open_traces_that_the_log_lost_are_named_and_left_out() -> None:
    written = carried()
    past, start = began(written)
    assembler, _ = past.restart(LIMITS, start, lambda _: {})
    assert past.lost == [trace_id(1) + b"default"]
    assert assembler.open_count == 0
    assembler.feed_tick(written.commit or 0, NOW_MS + 2_000)
    assert not [event for event in assembler.take() if isinstance(event, Closing)]


def test_a_trace_whose_root_the_log_lost_is_still_complete() -> None:
    slow = LIMITS.model_copy(update={"quiet_period_ms": 50})
    spans = {0: bundle([S(trace=1, span=0)]), 1: bundle([S(trace=1, span=1, parent=0)])}
    log: list[Logged] = [(NOW_MS, *spans[0]), (NOW_MS + 30, *spans[1]), (NOW_MS + 72, b"", b"")]
    written = Written()
    worker = Worker(slow, log, written)
    while worker.feed():
        worker.flush()
    assert written.commit == 3
    past, start = began(written)
    assembler, _ = past.restart(slow, start, lambda wanted: {at: Bundle(at, *spans[at]) for at in wanted if at})
    assembler.feed_tick(3, NOW_MS + 80)
    (closing,) = assembler.take()
    assert isinstance(closing, Closing)
    assert (closing.closed_by, closing.closed_at, closing.decided.rooted) == (ClosedBy.COMPLETE, NOW_MS + 80, True)


def test_a_trace_that_was_forgotten_and_came_again_is_remembered_as_it_is_now() -> None:
    told = [row(revision=2, cause=8, records=[3, 7]), row(revision=1, cause=90, records=[80], at=2_000)]
    _, memory = Past([blocks.read(block(told))]).restart(LIMITS, Anchor(100, None, 0), lambda _: {})
    decided = memory.get(trace_id(1) + b"default", 2_010)
    assert decided
    assert (decided.revision, decided.records) == (1, [80])


def test_blocks_are_read_since_the_clock_that_is_behind() -> None:
    back_ms = LIMITS.memory_horizon_ms + LIMITS.max_age_ms
    assert since_ms(LIMITS, NOW_MS, NOW_MS - 7) == NOW_MS - 7 - back_ms
    assert since_ms(LIMITS, NOW_MS, NOW_MS + 7) == NOW_MS - back_ms
    assert since_ms(LIMITS, 3, 4) == 0
