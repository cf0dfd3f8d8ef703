"""Does every reader of the store see each span and trace once, right after duplicates too?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.frames import NOW_NS, batch, lean_rows, span, span_record, trace_record
from tests.builders.stored import insert_spans, insert_traces, rows
from tracemill.config import Store

pytestmark = pytest.mark.integration

DAY_NS = 86_400_000_000_000


@pytest.fixture
def client(store: str) -> Iterator[Client]:
    opened = connect(Store(url=store))
    yield opened
    opened.close()


@pytest.fixture
def made(client: Client, database: str) -> Client:
    """A client whose store has had all migrations."""
    apply(client, Layout(database, "", 30))
    return client


def test_nobody_sees_a_span_or_a_trace_twice_right_after_duplicates(made: Client, database: str) -> None:
    record = span_record(batch(lean_rows(20)))
    promoted = [row | {"version": 1_000, "decision": "keep", "policy": "promoted"} for row in lean_rows(20)]
    insert_spans(made, database, record, record)
    insert_spans(made, database, record)
    insert_spans(made, database, span_record(batch(promoted)))
    insert_spans(made, database, record)
    for revision in (1, 3, 2, 3):
        insert_traces(made, database, *(trace_record(revision=revision, version=revision * 10) for _ in range(2)))
    assert rows(made, f"SELECT count() > 160 FROM {database}.otel_traces") == [(True,)]
    counts = "count(), uniqExact(trace_id, span_id), uniqExact(trace_id), groupUniqArray(policy)"
    assert rows(made, f"SELECT {counts} FROM {database}.spans") == [(160, 160, 20, ["promoted"])]
    assert rows(made, f"SELECT count(), max(revision) FROM {database}.traces_latest") == [(1, 3)]
    grafana = f"SELECT count() FROM {database}.otel_traces SETTINGS final = 1"
    assert rows(made, grafana) == [(160,)]


def test_an_older_version_never_shows_because_the_newer_one_was_filtered_out(made: Client, database: str) -> None:
    early = NOW_NS - 5_000_000_000
    insert_traces(made, database, trace_record(version=1, started_at=NOW_NS, error_count=0))
    insert_traces(made, database, trace_record(version=2, started_at=early, error_count=1))
    after = f"SELECT count() FROM {database}.traces_latest WHERE started_at >= fromUnixTimestamp64Nano({NOW_NS})"
    assert rows(made, after) == [(0,)]
    assert rows(made, f"SELECT count() FROM {database}.traces_latest WHERE error_count = 0") == [(0,)]


TRACE_BY_ID = """
WITH {id:String} AS trace_id,
    (SELECT min(Start) FROM DB.otel_traces_trace_id_ts WHERE TraceId = trace_id) AS trace_start,
    (SELECT max(End) + 1 FROM DB.otel_traces_trace_id_ts WHERE TraceId = trace_id) AS trace_end
SELECT
    TraceId AS traceID, SpanId AS spanID, ParentSpanId AS parentSpanID, ServiceName AS serviceName,
    SpanName AS operationName, multiply(toUnixTimestamp64Nano(Timestamp), 0.000001) AS startTime,
    multiply(Duration, 0.000001) AS duration,
    arrayMap(key -> map('key', key, 'value', SpanAttributes[key]), mapKeys(SpanAttributes)) AS tags,
    arrayMap(key -> map('key', key, 'value', ResourceAttributes[key]), mapKeys(ResourceAttributes)) AS serviceTags,
    if(StatusCode IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) AS statusCode,
    arrayMap((name, at, pairs) -> tuple(name, toString(toUnixTimestamp64Milli(at)), pairs),
        Events.Name, Events.Timestamp, Events.Attributes) AS logs,
    SpanKind AS kind, StatusMessage AS statusMessage, ScopeName, ScopeVersion, TraceState AS traceState
FROM DB.otel_traces
WHERE traceID = trace_id AND Timestamp >= trace_start AND Timestamp <= trace_end
LIMIT 1000
SETTINGS final = 1
"""


def test_the_queries_of_a_data_source_for_the_collectors_table_work(made: Client, database: str) -> None:
    record = span_record(batch(lean_rows(3)))
    insert_spans(made, database, record)
    insert_spans(made, database, record)
    trace_id = lean_rows(3)[0]["trace_id"].hex()
    found = made.query(TRACE_BY_ID.replace("DB", database), parameters={"id": trace_id})
    assert found.row_count == 8
    first = next(row for row in found.named_results() if not row["parentSpanID"])
    assert (first["serviceName"], first["operationName"]) == ("shop-agent", "invoke_agent support")
    search = f"""
        SELECT TraceId, ServiceName, SpanName, Timestamp, Duration / 1000000 FROM {database}.otel_traces
        WHERE Timestamp >= fromUnixTimestamp64Milli({NOW_NS // 10**6 - 1}) AND ParentSpanId = ''
            AND SpanAttributes['tier'] = 'gold'
        ORDER BY Timestamp DESC LIMIT 20 SETTINGS final = 1"""
    assert len(rows(made, search)) == 3


def test_the_time_range_of_a_trace_is_right_after_duplicates_and_late_spans(made: Client, database: str) -> None:
    def times(*offsets_s: int) -> bytes:
        return span_record(
            batch([span(span_id=at.to_bytes(8), started_at=NOW_NS + at * 1_000_000_000) for at in offsets_s])
        )

    other = span_record(batch([span(tenant="other", started_at=NOW_NS - DAY_NS)]))
    insert_spans(made, database, times(10, 20))
    insert_spans(made, database, times(10, 20), times(5), other)
    insert_spans(made, database, times(100_000))
    range_of = "toUnixTimestamp(min(Start)), toUnixTimestamp(max(End))"
    mine = f"SELECT {range_of} FROM {database}.otel_traces_trace_id_ts WHERE TraceId = '{'01' * 16}'"
    second = NOW_NS // 1_000_000_000
    assert rows(made, f"{mine} AND Tenant = 'default'") == [(second + 5, second + 100_000)]
    made.command(f"OPTIMIZE TABLE {database}.otel_traces_trace_id_ts FINAL")
    assert rows(made, f"{mine} AND Tenant = 'default'") == [(second + 5, second + 100_000)]
    assert rows(made, f"{mine} AND Tenant = 'other'") == [(second - 86_400, second - 86_400)]


VERSIONS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=12)


@given(st.lists(VERSIONS, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_and_repetition_of_records_in_any_blocks_gives_the_newest_version_of_each(
    made: Client, database: str, blocks: list[list[tuple[int, int]]]
) -> None:
    for table in ("otel_traces", "otel_traces_trace_id_ts", "traces"):
        made.command(f"TRUNCATE TABLE {database}.{table}")
    newest: dict[int, int] = {}
    for block in blocks:
        for which, version in block:
            newest[which] = max(version, newest.get(which, 0))
        insert_spans(made, database, *(_span(which, version) for which, version in block))
        insert_traces(made, database, *(_trace(which, version) for which, version in block))
    expected = [(which, version) for which, version in sorted(newest.items())]
    assert rows(made, f"SELECT duration_ns, version FROM {database}.spans ORDER BY 1") == expected
    assert rows(made, f"SELECT span_count, version FROM {database}.traces_latest ORDER BY 1") == expected


def _span(which: int, version: int) -> bytes:
    at = NOW_NS + which * 40_000_000_000_000
    return span_record(
        batch([span(span_id=(which + 1).to_bytes(8), started_at=at, duration_ns=which, version=version)])
    )


def _trace(which: int, version: int) -> bytes:
    at = NOW_NS + which * 40_000_000_000_000
    moved = NOW_NS - version * 1_000_000_000
    return trace_record(trace_id=f"{which:032x}", opened_at=at, started_at=moved, span_count=which, version=version)
