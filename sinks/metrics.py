"""What does the sink count? `target` is a landing table of the store, or `otlp`."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ROWS: Final = Counter("tracemill_sinks_rows", "Rows that a target has taken.", ["target"])
BYTES: Final = Counter("tracemill_sinks_bytes", "Bytes that a target has taken.", ["target"])
SEND_SECONDS: Final = Histogram(
    "tracemill_sinks_send_seconds",
    "From the start of an insert or request to its answer.",
    ["target"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2.5, 5, 10, 30, 60),
)
RETRIES: Final = Counter(
    "tracemill_sinks_retries", "Blocks that are tried again, by why they failed.", ["target", "why"]
)
AWAY: Final = Gauge(
    "tracemill_sinks_target_away", "1 while a target takes nothing and is tried again, else 0.", ["target"]
)
BUFFERED_BYTES: Final = Gauge("tracemill_sinks_buffered_bytes", "Bytes of records that wait.", ["target"])
DEAD_LETTERS: Final = Counter("tracemill_sinks_dead_letters", "Records that nobody takes.", ["target", "reason"])
REJECTED_SPANS: Final = Counter("tracemill_sinks_rejected_spans", "Spans that an OTLP endpoint took and threw away.")
LAG_RECORDS: Final = Gauge(
    "tracemill_sinks_lag_records", "Records that no target has taken yet.", ["group", "topic", "partition"]
)
LAG_SECONDS: Final = Gauge(
    "tracemill_sinks_lag_seconds",
    "Age of the newest record that was taken, 0 where none is missing.",
    ["group", "topic", "partition"],
)
