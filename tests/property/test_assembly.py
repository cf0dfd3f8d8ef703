"""Whatever the log holds, in whatever pieces it is read, and wherever a worker is killed: the same rows."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loadtest.reader.assembly import Reader
from loadtest.reader.told import decided
from tests.builders.bundles import S, bundle
from tests.builders.partition import Logged, Worker, Written
from tracemill.config import Assembly

LIMITS = Assembly(
    quiet_period_ms=20,
    max_idle_ms=60,
    max_age_ms=150,
    max_spans=9,
    max_trace_bytes=1_000,
    partition_bytes=12_000,
    carry_after_ms=40,
    late_grace_ms=50,
    memory_horizon_ms=400,
)
WAIT_FOR_ALL_MS = 1_000

spans = st.builds(
    S,
    trace=st.integers(1, 4),
    span=st.integers(0, 8),
    parent=st.sampled_from([None, 0, 1, 2, 3, 7]),
    start_ms=st.integers(0, 5),
    error=st.booleans(),
)
records = st.tuples(st.integers(-15, 45), st.lists(spans, max_size=5))
rootless = st.builds(S, trace=st.integers(1, 2), span=st.integers(1, 8), parent=st.just(0))
slow_records = st.tuples(st.integers(10, 45), st.lists(rootless, max_size=1))
"""Traces that stay open until they are carried."""
logs = st.one_of(
    st.lists(records, min_size=1, max_size=25),
    st.lists(slow_records, min_size=4, max_size=25),
)


def logged(drawn: list[tuple[int, list[S]]]) -> list[Logged]:
    """Records with append times that mostly rise, and at the end ticks until everything has closed."""
    steps = [*(step for step, _ in drawn), WAIT_FOR_ALL_MS, WAIT_FOR_ALL_MS]
    times = list(accumulate(steps, initial=1_760_000_000_000))[1:]
    values = [bundle(some) if some else (b"", b"") for _, some in drawn]
    return [(at, *value) for at, value in zip(times, [*values, (b"", b""), (b"", b"")], strict=True)]


def uninterrupted(log: list[Logged]) -> Written:
    written = Written()
    worker = Worker(LIMITS, log, written)
    while worker.feed():
        pass
    worker.flush()
    return written


def told(written: Written) -> list[dict]:
    """The decided rows, each the first time it was written."""
    seen, rows = set(), []
    for row in written.rows():
        mark = (row["row"], row["trace_id"], row["tenant"], row["revision"], row["cause"])
        if mark not in seen:
            seen.add(mark)
            rows.append(row)
    return rows


@given(logs)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_rows_are_those_of_a_reader_that_goes_span_by_span(drawn):
    log = logged(drawn)
    found = decided(told(uninterrupted(log)))
    assert found == Reader(LIMITS).read((at, value) for at, value, _ in log)


@given(logs, st.lists(st.tuples(st.integers(1, 6), st.integers(0, 3)), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_rows_do_not_depend_on_the_flushes(drawn, pauses):
    log, written = logged(drawn), Written()
    worker = Worker(LIMITS, log, written)
    for pause, meanwhile in pauses:
        for _ in range(pause):
            worker.feed()
        worker.flush(meanwhile=meanwhile)
    while worker.feed():
        pass
    worker.flush()
    assert told(written) == told(uninterrupted(log))


actions = st.tuples(st.sampled_from(["feed", "feed", "feed", "flush", "kill", "outputs", "block"]), st.integers(0, 2))


CLOSES_MEANWHILE = (
    [(0, [S(trace=1, span=1, parent=0)]), (30, [S(trace=1, span=2, parent=0)]), (15, []), (50, []), (105, [])],
    [("feed", 0), ("feed", 0), ("feed", 0), ("flush", 1), ("kill", 0)],
)
"""A carried trace closes while a flush is under way: the commit must not pass the record that closed it."""


@given(logs, st.lists(actions, max_size=60))
@example(*CLOSES_MEANWHILE)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_rows_survive_a_kill_at_any_point(drawn, acts):
    log, written = logged(drawn), Written()
    worker = Worker(LIMITS, log, written)
    for act, meanwhile in acts:
        if act == "feed":
            worker.feed()
        elif act == "flush":
            worker.flush(meanwhile=meanwhile)
        else:
            if act != "kill":
                worker.flush(stop_after=act, meanwhile=meanwhile)
            worker = Worker(LIMITS, log, written)
    while worker.feed():
        pass
    worker.flush()
    assert told(written) == told(uninterrupted(log))
