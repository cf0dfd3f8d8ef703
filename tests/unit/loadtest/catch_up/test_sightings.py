"""What a worker did counts when it is dead, too, and its lag is known when that of all partitions is."""

from __future__ import annotations

from collections import Counter

from loadtest.catch_up.sightings import Counts, Worker
from loadtest.scraped import Scraped, read

ONE = """
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1000.5
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
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1002.5
# TYPE tracemill_streams_spans_total counter
tracemill_streams_spans_total 8.0
# TYPE tracemill_streams_traces_closed_total counter
tracemill_streams_traces_closed_total{closed_by="complete"} 1.0
# TYPE tracemill_streams_lag_seconds gauge
tracemill_streams_lag_seconds{partition="1"} 3.5
"""
OF_ONE = Counts(9, 800, Counter(complete=99, idle=1), 100, 50.0, 1)


def _worker(*said: Scraped | None, partitions: int = 2) -> Worker:
    worker = Worker(partitions)
    for each in said:
        worker.hear(each)
    return worker


def test_a_lag_is_known_when_it_is_of_all_partitions() -> None:
    assert _worker(read(ONE)).lag_s == 1.5
    assert _worker(read(ONE), partitions=3).lag_s is None
    assert _worker(read(ONE), None).lag_s is None
    assert _worker(None).counts == Counts()


def test_what_is_heard_again_counts_once_and_what_the_dead_did_still_counts() -> None:
    assert _worker(read(ONE)).counts == OF_ONE
    assert _worker(read(ONE), read(ONE)).counts == OF_ONE
    assert _worker(read(ONE), None).counts == OF_ONE
    both = _worker(read(ONE), None, read(OTHER), read(OTHER)).counts
    assert both == Counts(9, 808, Counter(complete=100, idle=1), 100, 50.0, 2)
    assert _worker(read(ONE), read(OTHER), read(ONE)).counts.processes == 3
