"""What does the sink count? `target` is a landing table of the store, or `otlp`. Labels have closed sets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from tracemill.errors import Reason

ROWS: Final = Counter("tracemill_sinks_rows", "Rows that a target has taken.", ["target"])
BYTES: Final = Counter("tracemill_sinks_sent_bytes", "Bytes that a target has taken.", ["target"])
SEND_SECONDS: Final = Histogram(
    "tracemill_sinks_send_duration_seconds",
    "From the start of an insert or request that was taken to its answer.",
    ["target"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
FAILURES: Final = Counter(
    "tracemill_sinks_send_failures", "Blocks that weren't taken and are tried again, by why.", ["target", "reason"]
)
AWAY: Final = Gauge(
    "tracemill_sinks_target_away", "1 while a target takes nothing and is tried again, else 0.", ["target"]
)
LAST_SUCCESS: Final = Gauge(
    "tracemill_sinks_last_success_timestamp_seconds", "When a target last took something; 0 before.", ["target"]
)
BUFFERED_BYTES: Final = Gauge(
    "tracemill_sinks_buffered_bytes", "Bytes of records that were read and aren't taken yet.", ["target"]
)
BUFFERED_ROWS: Final = Gauge(
    "tracemill_sinks_buffered_rows", "Rows of records that were read and aren't taken yet.", ["target"]
)
PAUSED: Final = Gauge(
    "tracemill_sinks_reading_paused", "1 while a topic isn't read because its buffer is full, else 0.", ["target"]
)
DEAD_LETTERS: Final = Counter("tracemill_sinks_dead_letters", "Records that nobody takes.", ["target", "reason"])
REJECTED_SPANS: Final = Counter(
    "tracemill_sinks_otlp_rejected_spans", "Spans that an OTLP endpoint took and threw away."
)
LAG_RECORDS: Final = Gauge(
    "tracemill_sinks_lag_records", "Records that no target has taken yet.", ["group", "topic", "partition"]
)
LAG_SECONDS: Final = Gauge(
    "tracemill_sinks_lag_seconds",
    "Age of the oldest record that no target has taken yet, at most; 0 when all are taken.",
    ["group", "topic", "partition"],
)

OF_RECORDS: Final = (Reason.UNDECODABLE, Reason.WRONG_SCHEMA, Reason.REFUSED_BY_TARGET)
"""Why a record goes to dead letters."""


def begin(target: str, failures: Iterable[str]) -> None:
    """Everything that is counted of a target, which may fail for these reasons, begins at 0."""
    for family in (ROWS, BYTES, SEND_SECONDS, LAST_SUCCESS):
        family.labels(target)
    AWAY.labels(target).set(0)
    for pair in product([target], failures):
        FAILURES.labels(*pair)
    for reason in OF_RECORDS:
        DEAD_LETTERS.labels(target, reason)
