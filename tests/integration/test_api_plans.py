"""Is each query the SQL that it should be, and do the keys of the store leave little for it to read? Golden files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from api.queries import Query, policies
from api.rules import MAX_POLICIES
from api.times import Window
from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.frames import NOW_NS, lean_rows, score_record
from tests.builders.served import HOUR_NS, api_config, fill, hour_of, served
from tests.builders.stored import insert_scores, rows
from tracemill.config import Store

pytestmark = pytest.mark.integration

GOLDEN = Path(__file__).parents[1] / "golden" / "api"
HOURS = 48
HOURS_A_BLOCK = 12
ASKED = 30
"""The hour that the questions are about."""

ONE = lean_rows(1, ASKED, NOW_NS + ASKED * HOUR_NS)[0]
TRACE_ID, SPAN_ID = ONE["trace_id"].hex(), ONE["span_id"].hex()
QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "newest": ("/api/v1/traces", {}),
    "filtered": ("/api/v1/traces", {"filter": "error_count > 0 AND root_name LIKE 'invoke%'", "order": "-cost_usd"}),
    "by_spans": ("/api/v1/traces", {"filter": "any_span(tool_name = 'sql' AND status_code = 'ERROR')"}),
    "spans": ("/api/v1/spans", {"filter": "attribute('db.system') = 'postgres'", "content": "true"}),
    "trace": (f"/api/v1/traces/{TRACE_ID}", {}),
    "span": (f"/traces/{TRACE_ID}/spans/{SPAN_ID}", {}),
    "nothing": ("/", {"from": "1s"}),
}
PAGES = {"next": ("/api/v1/traces", "", 2), "next_by_duration": ("/api/v1/traces", "-duration_ms", 2)}


@pytest.fixture(scope="module")
def large(store: str) -> Iterator[tuple[Client, str]]:
    """Two tenants, 48 hours of 120 traces: 46,080 spans, merged into a part a day."""
    client, name = connect(Store(url=store)), "api_large"
    apply(client, Layout(name, "", 3_650))
    for hours in (range(first, first + HOURS_A_BLOCK) for first in range(0, HOURS, HOURS_A_BLOCK)):
        fill(client, name, [row for hour in hours for tenant in ("default", "other") for row in hour_of(tenant, hour)])
    for day in range(3):
        ids = [row["trace_id"].hex() for row in lean_rows(9_000, day)[::8]]
        said = {"at_ns": NOW_NS + day * 24 * HOUR_NS}
        both = [("default", one) for one in ids] + [("other", one) for one in ids]
        insert_scores(client, name, *(score_record(tenant=tenant, trace_id=one, **said) for tenant, one in both))
    insert_scores(client, name, score_record(trace_id=TRACE_ID, at_ns=NOW_NS + ASKED * HOUR_NS))
    for table in ("otel_traces", "traces", "otel_traces_trace_id_ts", "scores"):
        client.command(f"OPTIMIZE TABLE {name}.{table} FINAL")
    client.database = name
    yield client, name
    client.command(f"DROP DATABASE {name} SYNC")
    client.close()


def asked(store: str, database: str) -> dict[str, Query]:
    """Every query that the questions lead to, by a name; the hour asked about is the one before the clock's."""
    found: dict[str, Query] = {}
    config = api_config(store, database)
    with served(config, lambda: NOW_NS + (ASKED + 1) * HOUR_NS) as (client, recorded):
        for question, (path, parameters) in QUESTIONS.items():
            recorded.queries.clear()
            answer = client.get(path, params=parameters)
            assert answer.status_code == 200, answer.text
            found |= {f"{question}.{query.name}": query for query in recorded.queries}
        for question, (path, order, limit) in PAGES.items():
            given = {"limit": limit, **({"order": order} if order else {})}
            cursor = client.get(path, params=given).json()["next_cursor"]
            recorded.queries.clear()
            assert client.get(path, params={**given, "cursor": cursor}).json()["traces"]
            found |= {f"{question}.{query.name}": query for query in recorded.queries}
    hour = Window(NOW_NS + ASKED * HOUR_NS, NOW_NS + (ASKED + 1) * HOUR_NS)
    return found | {"rules.policies": policies(hour, "default", MAX_POLICIES)}


@pytest.fixture(scope="module")
def queries(store: str, large: tuple[Client, str]) -> dict[str, Query]:
    return asked(store, large[1])


NAMES = (
    "newest.list_traces",
    "filtered.list_traces",
    "by_spans.extent_of_traces",
    "by_spans.list_traces_by_spans",
    "spans.list_spans",
    "trace.one_trace",
    "trace.extent_of_trace",
    "trace.scores_of_trace",
    "trace.spans_of_trace",
    "span.one_span",
    "nothing.latest_trace",
    "next.list_traces",
    "next_by_duration.list_traces",
    "rules.policies",
)


def test_every_query_has_a_golden_file(queries: dict[str, Query]) -> None:
    assert {query.name for query in queries.values()} == {name.partition(".")[2] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_sql_of_a_query(queries: dict[str, Query], name: str) -> None:
    assert text_of(queries[name]) == (GOLDEN / f"{name}.sql").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_query_reads_only_what_the_keys_leave(
    queries: dict[str, Query], large: tuple[Client, str], name: str
) -> None:
    assert plan_of(queries[name], large[0]) == (GOLDEN / f"{name}.explain.txt").read_text()


def text_of(query: Query) -> str:
    """A query's SQL, then its parameters; no value of a question is in the SQL."""
    for value in ("postgres", "invoke", TRACE_ID):
        assert value not in query.sql
    parameters = "".join(f"-- {name} = {value!r}\n" for name, value in sorted(query.parameters.items()))
    return f"{query.sql}\n\n{parameters}"


def plan_of(query: Query, client: Client) -> str:
    """The tables that a query reads, and how many parts and granules each index leaves of them."""
    plan = [line for (line,) in rows(client, f"EXPLAIN indexes = 1 {query.sql}", **query.parameters)]
    kept: list[str] = []
    in_indexes = False
    for line in plan:
        told = line.strip(" │└─├")
        if "──" in line:
            in_indexes = False
        if told.startswith("ReadFrom"):
            kept.append(told.replace(str(client.database), "tracemill"))
        elif told == "Indexes:":
            in_indexes = True
        elif in_indexes and told and not told.startswith(("Condition:", "Search")):
            kept.append(told)
    assert kept, plan
    return "\n".join(kept) + "\n"
