"""What does a worker count? Named as the field names it."""

from __future__ import annotations

from collections import Counter as Tally
from contextlib import suppress

from prometheus_client import Counter, Gauge, Histogram

from tracemill.assembly.assembler import Assembler
from tracemill.evaluation.flush import Output

RECORDS = Counter("tracemill_streams_records_total", "Records of otlp.v1 read.", ["type"])
CLOSED = Counter("tracemill_streams_traces_closed_total", "Traces closed, by why.", ["closed_by"])
DECISIONS = Counter("tracemill_streams_decisions_total", "Revisions of traces decided.", ["decision"])
SPANS = Counter("tracemill_streams_spans_kept_total", "Spans written to spans.v1.")
DEAD_LETTERS = Counter("tracemill_streams_dead_letters_total", "What could not be read, by reason.", ["reason"])
READ_BACK = Counter("tracemill_streams_records_read_back_total", "Records read again for late spans.")
OPEN = Gauge("tracemill_streams_open_traces", "Traces open now.", ["partition"])
HELD = Gauge("tracemill_streams_held_bytes", "Bytes of spans of open traces.", ["partition"])
LAG = Gauge("tracemill_streams_lag_seconds", "Append time of the last record read, before now.", ["partition"])
FLUSH = Histogram(
    "tracemill_streams_flush_seconds", "How long a flush took.", buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
)


def count(output: Output) -> None:
    """What a flush decided in one partition."""
    for reason, closed in Tally(closing.closed_by for closing in output.told).items():
        CLOSED.labels(reason.value).inc(closed)
    kept = sum(1 for closing in output.told if closing.decided.verdict and closing.decided.verdict.keep)
    DECISIONS.labels("keep").inc(kept)
    DECISIONS.labels("drop").inc(len(output.told) - kept)
    SPANS.inc(sum(len(table) for table in output.spans))


def show(number: int, assembler: Assembler, append_ms: int, now_ms: float) -> None:
    """How a partition is now: `append_ms` is of the record read last, 0 before the first."""
    OPEN.labels(str(number)).set(assembler.open_count)
    HELD.labels(str(number)).set(assembler.held_bytes)
    LAG.labels(str(number)).set(max(0.0, now_ms - append_ms) / 1000 if append_ms else 0.0)


def forget(number: int) -> None:
    """A partition is someone else's."""
    for gauge in (OPEN, HELD, LAG):
        with suppress(KeyError):
            gauge.remove(str(number))
