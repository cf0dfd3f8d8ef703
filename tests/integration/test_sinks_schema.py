"""Do the migrations make the tables that DESIGN promises, once, and do rows come out as they went in?"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import connect
from sinks.migrations import Layout, SchemaMismatch, apply, render
from tests.builders.frames import NOW_NS, batch, score_record, span, span_record, trace_record
from tests.builders.stored import insert_scores, insert_spans, insert_traces, rows
from tests.fixtures.servers import Server
from tracemill.config import Store
from tracemill.schema import SPAN, TRACE, Kind

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


def test_migrations_run_once_and_a_second_process_finds_nothing_to_do(client: Client, database: str) -> None:
    layout = Layout(database, "", 30)
    first, second = apply(client, layout), apply(client, layout)
    assert set(first.ran) >= {statement.name for statement in render(layout)}
    assert second.ran == ()
    assert rows(client, f"SELECT count(), uniq(name) FROM {database}.migrations FINAL") == [(len(first.ran),) * 2]


def test_many_processes_may_start_at_once(store: str, database: str) -> None:
    layout = Layout(database, "", 30)

    def start(_: int) -> tuple[str, ...]:
        mine = connect(Store(url=store))
        try:
            return apply(mine, layout).ran
        finally:
            mine.close()

    with ThreadPoolExecutor(6) as pool:
        assert {name for ran in pool.map(start, range(6)) for name in ran} == {each.name for each in render(layout)}
    last = connect(Store(url=store))
    assert apply(last, layout).ran == ()
    assert rows(last, f"SELECT count() FROM {database}.migrations FINAL") == [(len(render(layout)),)]
    last.close()


def test_an_applied_file_that_was_changed_is_refused_by_name(made: Client, database: str) -> None:
    made.command(
        f"INSERT INTO {database}.migrations SELECT '003_otel_traces', 'another', now64(3, 'UTC') + INTERVAL 1 SECOND"
    )
    with pytest.raises(SchemaMismatch, match=r"003_otel_traces were applied with another text.*new number"):
        apply(made, Layout(database, "", 30))


def test_another_retention_holds_for_rows_that_come_later(made: Client, database: str) -> None:
    def expiry_days() -> int:
        insert_spans(made, database, span_record(batch([span(started_at=time.time_ns())])))
        return int(rows(made, f"SELECT max(ExpiresAt - toDate(now('UTC'))) FROM {database}.otel_traces")[0][0])

    assert expiry_days() in (29, 30)
    assert apply(made, Layout(database, "", 90)).ran == (
        "retention_scores",
        "retention_spans",
        "retention_traces",
    )
    assert expiry_days() in (89, 90)


@pytest.mark.parametrize("retention_days", [1, 3, 8, 30])
def test_a_row_expires_so_many_days_after_its_own_day(client: Client, database: str, retention_days: int) -> None:
    apply(client, Layout(database, "", retention_days))
    ages = [-40_000, -2, -1, 0, 1, 2, 3, 6, 7, 8, 29, 30, 400, 20_000]
    today = before = 0
    while today == 0 or today != time.time_ns() // DAY_NS:
        today, before = time.time_ns() // DAY_NS, before + len(ages)
        for number, age in enumerate(ages, before):
            at = (today - age) * DAY_NS + 5
            insert_spans(client, database, span_record(batch([span(span_id=number.to_bytes(8), started_at=at)])))
            trace_id = f"{number:032x}"
            insert_traces(client, database, trace_record(trace_id=trace_id, opened_at=at, started_at=at))
            insert_scores(client, database, score_record(trace_id=trace_id, at_ns=at))
    believed = [min(max(today - age, today - min(7, retention_days - 1)), today) for age in ages]
    wanted = [(day + retention_days,) for day in believed]
    select = "SELECT toUInt32(max({})) FROM {}.{} WHERE {} >= '{}' GROUP BY {} ORDER BY {}"
    for table, expiry, key, first in (
        ("otel_traces", "ExpiresAt", "SpanId", f"{before:016x}"),
        ("traces", "expires_at", "trace_id", f"{before:032x}"),
        ("scores", "expires_at", "trace_id", f"{before:032x}"),
    ):
        assert rows(client, select.format(expiry, database, table, key, first, key, key)) == wanted


def test_a_server_without_endless_system_logs_is_said_so(client: Client, database: str) -> None:
    assert apply(client, Layout(database, "", 30)).skipped == ("system logs: none without a TTL",)


def test_system_logs_that_would_grow_forever_get_a_ttl(own_store: Server) -> None:
    client = connect(Store(url=own_store.address))
    table = "CREATE TABLE system.{} (event_date Date, text String) ENGINE = MergeTree ORDER BY event_date {}"
    client.command(table.format("query_log", ""))
    client.command(table.format("text_log_0", ""))
    client.command(table.format("part_log", "TTL event_date + INTERVAL 3 DAY"))
    layout = Layout("tracemill", "", 30)
    assert {"system.query_log", "system.text_log_0"} == {each for each in apply(client, layout).ran if "system" in each}
    kept = {
        name: re.findall(r"TTL event_date \+ toIntervalDay\((\d+)\)", engine)
        for name, engine in rows(client, "SELECT name, engine_full FROM system.tables WHERE database = 'system'")
        if engine.startswith("MergeTree")
    }
    assert kept == {"query_log": ["14"], "text_log_0": ["14"], "part_log": ["3"]}
    assert apply(client, layout).ran == ()
    client.close()


NULLABLE = (Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN)


@pytest.mark.parametrize(("view", "schema"), [("spans", SPAN), ("traces_latest", TRACE)])
def test_a_view_has_the_columns_of_the_schema_and_text_is_never_null(
    made: Client, database: str, view: str, schema: Sequence[Any]
) -> None:
    types = {name: kind for name, kind, *_ in rows(made, f"DESCRIBE TABLE {database}.{view}")}
    assert list(types) == [column.name for column in schema]
    for column in schema:
        kind = types[column.name]
        assert column.kind in NULLABLE or "Nullable" not in kind
        if column.kind is Kind.TIME:
            assert kind == "DateTime64(9, 'UTC')"
        if column.kind in (Kind.TEXT, Kind.IDENTIFIER):
            assert kind in ("String", "LowCardinality(String)")


COLLECTOR = {
    "TraceId": "String",
    "SpanId": "String",
    "ParentSpanId": "String",
    "TraceState": "String",
    "SpanName": "LowCardinality(String)",
    "SpanKind": "LowCardinality(String)",
    "ServiceName": "LowCardinality(String)",
    "ResourceAttributes": "Map(LowCardinality(String), String)",
    "ScopeName": "String",
    "ScopeVersion": "String",
    "SpanAttributes": "Map(LowCardinality(String), String)",
    "Duration": "UInt64",
    "StatusCode": "LowCardinality(String)",
    "StatusMessage": "String",
    "Events.Name": "Array(LowCardinality(String))",
    "Events.Attributes": "Array(Map(LowCardinality(String), String))",
    "Links.TraceId": "Array(String)",
    "Links.SpanId": "Array(String)",
    "Links.TraceState": "Array(String)",
    "Links.Attributes": "Array(Map(LowCardinality(String), String))",
}


def test_the_table_has_the_names_and_types_of_the_collector(made: Client, database: str) -> None:
    types = {name: kind for name, kind, *_ in rows(made, f"DESCRIBE TABLE {database}.otel_traces")}
    assert {name: types[name] for name in COLLECTOR} == COLLECTOR
    assert types["Timestamp"].startswith("DateTime64(9")
    assert types["Events.Timestamp"].startswith("Array(DateTime64(9")


def test_a_span_comes_out_of_the_view_as_it_went_in(made: Client, database: str) -> None:
    link = {"trace_id": b"\xab" * 16, "span_id": b"\xcd" * 8, "trace_state": "a=1", "attributes": [("k", "v")]}
    event = {"time": NOW_NS + 5, "name": "retry", "attributes": [("n", "2")]}
    row = span(
        parent_span_id=b"\x03" * 8,
        kind="CLIENT",
        status_code="ERROR",
        status_message="träge\nund leer",
        started_at=NOW_NS + 123_456_789,
        duration_ns=7,
        attributes=[("a", "1"), ("b", "")],
        resource_attributes=[("service.name", "s")],
        events=[event],
        links=[link],
        cache_hit=True,
        input_tokens=2**40,
        cost_usd=0.25,
        late=True,
        version=99,
    )
    insert_spans(made, database, span_record(batch([row])))
    sql = "SELECT * REPLACE (toUnixTimestamp64Nano(started_at) AS started_at, toJSONString(events) AS events)"
    result = made.query(f"{sql} FROM {database}.spans")
    found = dict(zip(result.column_names, result.result_rows[0], strict=True))
    same = [c.name for c in SPAN if c.kind in (Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.TIME)]
    assert {name: found[name] for name in same} == {name: row[name] for name in same}
    assert (found["trace_id"], found["span_id"], found["parent_span_id"]) == ("01" * 16, "02" * 8, "03" * 8)
    assert (found["attributes"], found["resource_attributes"]) == ({"a": "1", "b": ""}, {"service.name": "s"})
    assert json.loads(found["events"])[0]["attributes"] == {"n": "2"}
    assert found["links"][0]["trace_id"] == "ab" * 16
    assert rows(made, f"SELECT SpanKind, StatusCode FROM {database}.otel_traces") == [("Client", "Error")]


def test_of_scores_with_one_id_the_last_in_its_partition_holds_whatever_day_it_is_of(
    made: Client, database: str
) -> None:
    yesterday = [score_record(value=number, at_ns=NOW_NS - number * DAY_NS) for number in range(4)]
    insert_scores(made, database, *yesterday, score_record(tenant="other", value="theirs"))
    insert_scores(made, database, score_record(value=False, id="two"))
    select = f"SELECT tenant, id, kind, number, text, version FROM {database}.scores_latest ORDER BY tenant, id"
    found = [
        ("default", "one", "number", 3.0, "", 3),
        ("default", "two", "boolean", 0.0, "", 0),
        ("other", "one", "text", None, "theirs", 4),
    ]
    assert rows(made, select) == found
    made.command(f"OPTIMIZE TABLE {database}.scores FINAL")
    assert rows(made, select) == found
    assert rows(made, f"SELECT count() FROM {database}.scores") == [(6,)]


def test_times_at_the_ends_of_the_clock_and_of_many_days_are_stored(made: Client, database: str) -> None:
    times = [0, 1, 2**63 - 1, -(2**62), *(day * DAY_NS for day in range(200))]
    values = [span(span_id=number.to_bytes(8), started_at=at) for number, at in enumerate(times, 1)]
    insert_spans(made, database, span_record(batch(values)))
    stored = rows(made, f"SELECT toUnixTimestamp64Nano(started_at) FROM {database}.spans ORDER BY span_id")
    assert [at for (at,) in stored] == times
