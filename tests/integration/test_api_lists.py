"""Does a list hold what was asked for, every row once, whatever the order and the size of its pages?"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.listings import SPANS, TRACES
from api.times import rfc3339
from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.frames import NOW_NS, batch, span, span_record, trace_record
from tests.builders.served import HOUR_NS, api_config, served
from tests.builders.stored import insert_spans, insert_traces
from tracemill.config import Store
from tracemill.expressions.kinds import read_time
from tracemill.schema import Kind

pytestmark = pytest.mark.integration

TRACE_ROWS = 60
TOKENS = {"mine": "default", "theirs": "other"}
MINE = {"x-tracemill-key": "mine"}
THEIRS = {"x-tracemill-key": "theirs"}
RANGE = {"from": "3h"}


def traces_with_ties() -> list[dict[str, Any]]:
    """Few different values in every column, NULLs and infinities among them; two tenants share trace ids."""
    dice = random.Random(11)
    return [
        {
            "tenant": tenant,
            "trace_id": f"{number:032x}",
            "opened_at": NOW_NS - dice.randrange(4) * HOUR_NS // 2,
            "started_at": NOW_NS - dice.randrange(3),
            "root_name": dice.choice(["", "a", "b" * 150, "b" * 150 + "c", "é\n\t\\'\"{x:String}"]),
            "service_name": dice.choice(["one", "two"]) if tenant == "default" else "theirs",
            "complete": dice.random() < 0.5,
            "cost_usd": dice.choice([None, 0.1, 0.1 + 2**-56, 0.30000000000000004, 0.0, 1e300]),
            "duration_ms": dice.choice([None, 1.5, 2.5]),
            "input_tokens": dice.choice([None, 0, 7, 2**62]),
            "error_count": dice.randrange(3),
        }
        for tenant in ("default", "other")
        for number in range(TRACE_ROWS)
    ]


ROWS = traces_with_ties()
MY_ROWS = [row for row in ROWS if row["tenant"] == "default"]


@pytest.fixture(scope="module")
def filled(store: str) -> Iterator[tuple[Client, str]]:
    """All rows twice, in two blocks; a span for each, too."""
    client, name = connect(Store(url=store)), "api_lists"
    apply(client, Layout(name, "", 3_650))
    for _ in range(2):
        insert_traces(client, name, *(trace_record(**row) for row in ROWS))
        insert_spans(client, name, span_record(batch([span_of(row) for row in ROWS])))
    yield client, name
    client.command(f"DROP DATABASE {name} SYNC")
    client.close()


def span_of(row: dict[str, Any]) -> dict[str, Any]:
    """A span that has in common with the trace's row what both have."""
    shared = {name: row[name] for name in ("tenant", "service_name", "cost_usd", "input_tokens")}
    return span(
        **shared,
        trace_id=bytes.fromhex(row["trace_id"]),
        name=row["root_name"] or "work",
        started_at=row["started_at"],
        tool_name="sql" if row["error_count"] == 2 else "",
        input_messages="[]",
    )


@pytest.fixture(scope="module")
def client(store: str, filled: tuple[Client, str]) -> Iterator[TestClient]:
    with served(api_config(store, filled[1], TOKENS)) as (opened, _):
        yield opened


def ask(client: TestClient, path: str, headers: dict[str, str] = MINE, **parameters: Any) -> dict[str, Any]:
    answer = client.get(path, params={**RANGE, **parameters}, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def read_all(client: TestClient, path: str, **parameters: Any) -> list[dict[str, Any]]:
    """Every page of a list."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = ask(client, path, cursor=cursor, **parameters)
        rows += answer[path.rpartition("/")[2]]
        cursor = answer["next_cursor"]
        assert len(rows) <= len(ROWS)
    return rows


ORDERS = st.tuples(st.sampled_from(sorted(TRACES.sortable.items())), st.booleans())


@given(ORDERS, st.integers(1, TRACE_ROWS + 1))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_paging_gives_every_trace_once_in_its_order(
    client: TestClient, order: tuple[tuple[str, Kind], bool], limit: int
) -> None:
    (column, kind), descending = order
    rows = read_all(client, "/api/v1/traces", order=f"{'-' if descending else ''}{column}", limit=max(limit, 7))
    assert sorted(row["trace_id"] for row in rows) == sorted(row["trace_id"] for row in MY_ROWS)
    values = [_sorted_by(row[column], kind) for row in rows]
    present = [value for value in values if value is not None]
    assert present == sorted(present, reverse=descending)
    assert values[len(present) :] == [None] * (len(values) - len(present))


def _sorted_by(value: Any, kind: Kind) -> Any:
    match kind:
        case Kind.TEXT:
            return value[:100].encode()
        case Kind.TIME:
            return read_time(value)
        case _:
            return value


SPAN_ORDERS = st.sampled_from(["started_at", "-started_at", "name", "-cost_usd", "trace_id", "input_tokens", "-late"])


@given(SPAN_ORDERS, st.integers(5, 70))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_paging_gives_every_span_once(client: TestClient, order: str, limit: int) -> None:
    rows = read_all(client, "/api/v1/spans", order=order, limit=limit)
    assert sorted(row["trace_id"] for row in rows) == sorted(row["trace_id"] for row in MY_ROWS)


def test_what_comes_in_meanwhile_moves_nothing(store: str, filled: tuple[Client, str]) -> None:
    database_client, _ = filled
    apply(database_client, Layout("api_meanwhile", "", 3_650))
    try:
        insert_traces(database_client, "api_meanwhile", *(trace_record(**row) for row in MY_ROWS))
        now = [NOW_NS + HOUR_NS]
        with served(api_config(store, "api_meanwhile"), lambda: now[0]) as (client, _):
            first = ask(client, "/api/v1/traces", {}, limit=20)
            newer = [
                trace_record(trace_id=f"{number:032x}", opened_at=NOW_NS + number * HOUR_NS // 2000)
                for number in range(1_000, 1_100)
            ]
            insert_traces(database_client, "api_meanwhile", *newer)
            now[0] += HOUR_NS
            rest = []
            cursor = first["next_cursor"]
            while cursor:
                answer = ask(client, "/api/v1/traces", {}, limit=20, cursor=cursor)
                assert (answer["from"], answer["to"]) == (first["from"], first["to"])
                rest, cursor = rest + answer["traces"], answer["next_cursor"]
        found = [row["trace_id"] for row in first["traces"] + rest]
        assert sorted(found) == sorted(row["trace_id"] for row in MY_ROWS)
    finally:
        database_client.command("DROP DATABASE api_meanwhile SYNC")


def test_one_row_has_every_column_with_its_type(client: TestClient) -> None:
    answer = ask(client, "/api/v1/traces", filter=f"trace_id = '{5:032x}'")
    (row,) = answer["traces"]
    assert list(row) == list(TRACES.columns)
    expected = next(each for each in MY_ROWS if each["trace_id"] == row["trace_id"])
    times = {name: rfc3339(expected[name]) for name in ("opened_at", "started_at")}
    assert {name: row[name] for name in expected} == expected | times
    assert row["models"] == ["gpt-4o"]
    assert row["sources"] == {"partition": 3, "offsets": [17, 18]}
    assert (answer["to"], answer["from"]) == (rfc3339(NOW_NS + HOUR_NS), rfc3339(NOW_NS - 2 * HOUR_NS))


def test_content_comes_only_when_asked_for(client: TestClient) -> None:
    plain = ask(client, "/api/v1/spans", limit=1)["spans"][0]
    assert list(plain) == list(SPANS.columns)
    assert "input_messages" not in plain
    assert ask(client, "/api/v1/spans", limit=1, content="true")["spans"][0]["input_messages"] == "[]"


FILTERS = {
    "error_count = 2 AND complete": lambda row: row["error_count"] == 2 and row["complete"],
    "cost_usd > 0.1": lambda row: (row["cost_usd"] or 0) > 0.1,
    "cost_usd IS NULL": lambda row: row["cost_usd"] is None,
    "root_name = 'é\n\t\\''\"{x:String}'": lambda row: row["root_name"].startswith("é"),
    "any_span(tool_name = 'sql')": lambda row: row["error_count"] == 2,
    "count_spans(true) = 1 AND NOT any_span(tool_name = 'sql')": lambda row: row["error_count"] != 2,
    "all_spans(service_name = 'one')": lambda row: row["service_name"] == "one",
    "any_span(service_name = 'theirs')": lambda row: False,
    "tenant = 'other'": lambda row: False,
}


@pytest.mark.parametrize("text", FILTERS)
def test_filters(client: TestClient, text: str) -> None:
    rows = read_all(client, "/api/v1/traces", filter=text, limit=25)
    assert sorted(row["trace_id"] for row in rows) == sorted(row["trace_id"] for row in MY_ROWS if FILTERS[text](row))


def test_the_spans_of_a_trace_are_found_however_long_before_and_after_it_came_in(
    store: str, filled: tuple[Client, str]
) -> None:
    database_client, _ = filled
    name, day = "api_long", 24 * HOUR_NS
    apply(database_client, Layout(name, "", 3_650))
    try:
        trace_id = bytes(15) + b"\x01"
        spans = [
            span(trace_id=trace_id, span_id=bytes(7) + b"\x01", started_at=NOW_NS - 2 * day, tool_name="early"),
            span(trace_id=trace_id, span_id=bytes(7) + b"\x02", started_at=NOW_NS + day, tool_name="late"),
        ]
        insert_spans(database_client, name, span_record(batch(spans)))
        times = {"opened_at": NOW_NS, "started_at": NOW_NS - 2 * day, "duration_ms": 3 * 24 * 3_600_000.0 + 1}
        insert_traces(database_client, name, trace_record(trace_id=trace_id.hex(), **times))
        with served(api_config(store, name)) as (client, _):
            for tool in ("early", "late"):
                found = ask(client, "/api/v1/traces", {}, filter=f"any_span(tool_name = '{tool}')")
                assert len(found["traces"]) == 1, tool
            whole = client.get(f"/api/v1/traces/{trace_id.hex()}").json()
            assert len(whole["spans"]) == 2
    finally:
        database_client.command(f"DROP DATABASE {name} SYNC")


TENANT_TRICKS = ["", "service_name != ''", "tenant = 'default' OR tenant = 'other'", "NOT tenant = 'default'", "TRUE"]


@pytest.mark.parametrize("path", ["/api/v1/traces", "/api/v1/spans"])
@pytest.mark.parametrize("filter_", TENANT_TRICKS)
def test_no_tenant_sees_anothers_rows(client: TestClient, path: str, filter_: str) -> None:
    for headers, tenant in ((MINE, "default"), (THEIRS, "other")):
        rows = ask(client, path, headers, filter=filter_, limit=1_000)[path.rpartition("/")[2]]
        assert {row["tenant"] for row in rows} <= {tenant}


def test_a_cursor_is_no_way_to_another_tenant(client: TestClient) -> None:
    cursor = ask(client, "/api/v1/traces", MINE, limit=5)["next_cursor"]
    rows = ask(client, "/api/v1/traces", THEIRS, limit=500, cursor=cursor)["traces"]
    assert {row["tenant"] for row in rows} == {"other"}


@pytest.mark.parametrize("changed", [{"filter": "complete"}, {"order": "trace_id"}, {"from": "4h"}, {"to": "1m"}])
def test_a_cursor_is_for_its_own_question_only(client: TestClient, changed: dict[str, str]) -> None:
    cursor = ask(client, "/api/v1/traces", limit=5)["next_cursor"]
    answer = client.get("/api/v1/traces", params={**RANGE, "cursor": cursor, **changed}, headers=MINE)
    assert answer.status_code == 400
    assert answer.json()["parameter"] == "cursor"
    assert len(ask(client, "/api/v1/traces", limit=500, cursor=cursor)["traces"]) == TRACE_ROWS - 5


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


@given(TEXTS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_text_in_a_filter_is_anything_but_a_text(client: TestClient, text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    everything = ask(client, "/api/v1/traces", filter=f"COALESCE({quoted}, 'x') = {quoted}", limit=1_000)
    assert len(everything["traces"]) == TRACE_ROWS
    wanted = [row["trace_id"] for row in MY_ROWS if row["root_name"] == text]
    found = ask(client, "/api/v1/traces", filter=f"root_name = {quoted}", limit=1_000)["traces"]
    assert sorted(row["trace_id"] for row in found) == sorted(wanted)
