"""What does a worker count? Named as the field names it."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

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
