"""An open trace of which the log has nothing any longer is named as lost, and stops nobody."""

from __future__ import annotations

from tests.builders.bundles import S, bundle, trace_id
from tests.builders.partition import Logged, Worker, Written
from tracemill.assembly.restart import Past
from tracemill.assembly.trace import Closing
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


def test_open_traces_that_the_log_lost_are_named_and_left_out() -> None:
    written = carried()
    past = Past()
    for value in written.blocks:
        past.take(value)
    assembler, _ = past.restart(LIMITS, past.start(written.commit), lambda _: {})
    assert past.lost == [trace_id(1) + b"default"]
    assert assembler.open_count == 0
    assembler.feed_tick(written.commit or 0, NOW_MS + 2_000)
    assert not [event for event in assembler.take() if isinstance(event, Closing)]
