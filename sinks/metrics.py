"""What does the sink count?"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ROWS: Final = Counter("tracemill_sinks_rows", "Rows that the store has taken.", ["table"])
BYTES: Final = Counter("tracemill_sinks_bytes", "Bytes of inserts that the store has taken.", ["table"])
INSERT_SECONDS: Final = Histogram(
    "tracemill_sinks_insert_seconds",
    "From the start of an insert to the store's answer.",
    ["table"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2.5, 5, 10, 30, 60),
)
RETRIES: Final = Counter(
    "tracemill_sinks_retries", "Inserts that are tried again, by why they failed.", ["table", "why"]
)
BUFFERED_BYTES: Final = Gauge("tracemill_sinks_buffered_bytes", "Bytes of records that wait for an insert.", ["table"])
DEAD_LETTERS: Final = Counter("tracemill_sinks_dead_letters", "Records that nobody can read.", ["table", "reason"])
LAG_RECORDS: Final = Gauge("tracemill_sinks_lag_records", "Records not yet in the store.", ["topic", "partition"])
LAG_SECONDS: Final = Gauge(
    "tracemill_sinks_lag_seconds",
    "Age of the newest record in the store, 0 where nothing is missing.",
    ["topic", "partition"],
)
