"""Several workers are one group: their counts are added, and their lag is known when all of it is."""

from __future__ import annotations

from collections import Counter

from loadtest.catch_up.sightings import Streams, together
from tests.fixtures.scraping import read

ONE = """
# TYPE tracemill_streams_records_total counter
tracemill_streams_records_total{type="bundle"} 7.0
tracemill_streams_records_total{type="tick"} 2.0
# TYPE tracemill_streams_spans_total counter
tracemill_streams_spans_total 800.0
# TYPE tracemill_streams_traces_closed_total counter
tracemill_streams_traces_closed_total{closed_by="complete"} 99.0
tracemill_streams_traces_closed_total{closed_by="idle"} 1.0
# TYPE tracemill_streams_lag_seconds gauge
tracemill_streams_lag_seconds{partition="0"} 1.5
tracemill_streams_lag_seconds{partition="2"} 0.0
# TYPE tracemill_streams_decision_latency_seconds histogram
tracemill_streams_decision_latency_seconds_bucket{le="+Inf"} 100.0
tracemill_streams_decision_latency_seconds_count 100.0
tracemill_streams_decision_latency_seconds_sum 50.0
"""
OTHER = """
# TYPE tracemill_streams_spans_total counter
tracemill_streams_spans_total 8.0
# TYPE tracemill_streams_traces_closed_total counter
tracemill_streams_traces_closed_total{closed_by="complete"} 1.0
# TYPE tracemill_streams_lag_seconds gauge
tracemill_streams_lag_seconds{partition="1"} 3.5
"""


def test_workers_are_added_up() -> None:
    closed = Counter(complete=100, idle=1)
    assert together([read(ONE), read(OTHER)], 3) == Streams(9, 808, closed, 3.5, 100, 50.0)


def test_a_lag_is_known_when_it_is_of_all_partitions() -> None:
    assert together([read(ONE)], 2).lag_s == 1.5
    assert together([read(ONE)], 3).lag_s is None
    assert together([read("")], 3) == Streams(0, 0, Counter(), None, 0, 0.0)
