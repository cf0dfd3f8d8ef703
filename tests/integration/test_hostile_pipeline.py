"""Hostile names on their whole way: from a client through the log, the stream and the store to the API and the page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.testclient import TestClient

from tests.builders.ingesting import configured
from tests.builders.markup import shown_harmlessly
from tests.builders.otlp import request, span, text, trace_id
from tests.builders.served import api_config, served
from tests.fixtures.ports import own_port
from tests.fixtures.spine import running
from tracemill.bundles import TENANT_ATTRIBUTE
from tracemill.config import Config, token_hash

pytestmark = pytest.mark.integration

DATABASE = "hostile_pipeline"
TOKENS = {"mine": "tenant-mine", "theirs": "tenant-theirs"}
MINE, THEIRS = ({"x-tracemill-key": token} for token in TOKENS)
NAMES = {
    "sql": "'; DROP TABLE otel_traces; --",
    "sql comment": "x' OR 1=1 /*",
    "backticks": "`tenant` = 'x'",
    "backslashes": "\\' OR 1=1 -- \\",
    "parameter": "{tenant:String}",
    "__proto__": "__proto__",
    "constructor": "constructor",
    "html": "<img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover='alert(1)' x=\"",
    "template": "{{7*7}}{% raw %}${7*7}#{7*7}",
    "terminal": "\x1b]8;;http://evil\x07\x1b[2J",
    "right to left": "\u202egpj.exe\u202c",
    "invisible": "a\u200bb\ufeff\u2028c",
    "formula": '=HYPERLINK("http://evil","x")',
    "json": '{"a":"b","__proto__":{"x":1}}',
    "emoji": "👩‍👩‍👧‍👦 é e\u0301",
    "nul": "a\0b",
    "spaces": "  \t\n  ",
    "64 KB": "k" * 65_536,
}
NUMBERS = {name: number for number, name in enumerate(NAMES, 1)}


def hostile(name: str, now_ns: int) -> list[Span]:
    """A trace in which every text is a hostile one."""
    evil, number = NAMES[name], NUMBERS[name]
    keys = ("gen_ai.conversation.id", "user.id", "gen_ai.request.model", "gen_ai.tool.name", "error.type", "http.route")
    root = span(
        trace=number,
        number=number * 10,
        name=evil,
        trace_state=evil[:200],
        start_time_unix_nano=now_ns,
        end_time_unix_nano=now_ns + 1_000_000,
        attributes=[text(evil, evil), *(text(key, evil) for key in keys), text(TENANT_ATTRIBUTE, "tenant-theirs")],
    )
    root.events.add(time_unix_nano=now_ns, name=evil, attributes=[text(evil, evil)])
    root.links.add(trace_id=trace_id(1), span_id=b"12345678", trace_state=evil[:200], attributes=[text(evil, evil)])
    root.status.code, root.status.message = 2, evil
    child = span(trace=number, number=number * 10 + 1, parent=number * 10, name="child", start_time_unix_nano=now_ns)
    child.attributes.append(text("gen_ai.input.messages", evil))
    return [root, child]


@pytest.fixture(scope="module")
def client(kafka: str, store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The API, after each hostile trace went through all parts."""
    tokens = [{"sha256": token_hash(token), "tenant": tenant} for token, tenant in TOKENS.items()]
    sections = {
        "assembly": {"quiet_period_ms": 300, "max_idle_ms": 600},
        "streams": {"group": "hostile-streams"},
        "sinks": {"group": "hostile-sinks", "metrics_port": own_port()},
        "store": {"url": store, "database": DATABASE},
    }
    config = Config.model_validate(configured(kafka, "hostile-pipeline", tokens=tokens).model_dump() | sections)
    with running(config, tmp_path_factory.mktemp("hostile")) as spine:
        for name in NAMES:
            body = request(*hostile(name, time.time_ns()), service=NAMES[name], scope=NAMES[name][:1_000])
            body.resource_spans[0].resource.attributes.append(text(NAMES[name], NAMES[name]))
            assert spine.ingester.post(body.SerializeToString(), x_tracemill_key="mine").status == 200
        spine.settle()
    with served(api_config(store, DATABASE, TOKENS), time.time_ns) as (opened, _):
        opened.headers.update(MINE)
        yield opened
    admin = clickhouse_connect.get_client(dsn=store, autogenerate_session_id=False)
    admin.command(f"DROP DATABASE {DATABASE} SYNC")
    admin.close()


def got(client: TestClient, path: str, **parameters: Any) -> dict[str, Any]:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text[:500]
    return dict(answer.json())


def path_of(name: str) -> str:
    return f"/traces/{trace_id(NUMBERS[name]).hex()}"


@pytest.mark.parametrize("name", NAMES)
def test_what_was_sent_is_what_the_api_answers(client: TestClient, name: str) -> None:
    evil = NAMES[name]
    found = got(client, f"/api/v1{path_of(name)}", content="true")
    row, (root,) = found["trace"], found["spans"]
    assert (row["tenant"], row["root_name"], row["service_name"]) == ("tenant-mine", evil, evil)
    assert (row["session_id"], row["user_id"], row["span_count"]) == (evil, evil, 2)
    for column in ("name", "service_name", "session_id", "user_id", "status_message", "tool_name"):
        assert root[column] == evil, column
    assert (root["request_model"], root["scope_name"]) == (evil, evil[:1_000])
    assert root["attributes"][evil] == evil
    assert root["resource_attributes"][evil] == evil
    (event,) = root["events"]
    assert (event["name"], event["attributes"]) == (evil, {evil: evil})
    (link,) = root["links"]
    assert link["attributes"] == {evil: evil}
    assert [child["name"] for child in root["children"]] == ["child"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_found_again_by_what_it_is_called(client: TestClient, name: str) -> None:
    evil = NAMES[name].replace("'", "''")
    refused = {"64 KB": "at most 4096 are taken", "nul": "a NUL character can't be part of an expression"}.get(name)
    if refused:
        answer = client.get("/api/v1/traces", params={"filter": f"root_name = '{evil[:8_000]}'"})
        assert (answer.status_code, refused in answer.json()["detail"]) == (400, True)
        return
    for condition in (
        f"root_name = '{evil}'",
        f"any_span(attribute('{evil}') = '{evil}')",
        f"any_span(resource_attribute('{evil}') = '{evil}')",
        f"session_id = '{evil}' AND CONTAINS(root_name, '{evil}') AND NOT STARTS_WITH(root_name, 'no {evil}')",
    ):
        traces = got(client, "/api/v1/traces", filter=condition)["traces"]
        assert [row["trace_id"] for row in traces] == [trace_id(NUMBERS[name]).hex()], condition
    listed = got(client, "/api/v1/spans", filter=f"name = '{evil}'", order="name")["spans"]
    assert [one["name"] for one in listed] == [NAMES[name]]


def test_pages_of_hostile_names_follow_each_other(client: TestClient) -> None:
    found, cursor = [], None
    while True:
        page = got(client, "/api/v1/traces", order="root_name", limit=3, **({"cursor": cursor} if cursor else {}))
        found += [row["root_name"] for row in page["traces"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(found) == sorted(NAMES.values())


@pytest.mark.parametrize("name", NAMES)
def test_on_the_page_it_is_text(client: TestClient, name: str) -> None:
    for path in ("/", path_of(name), f"{path_of(name)}/spans/{(NUMBERS[name] * 10 + 1):016x}"):
        page = client.get(path, headers={"accept": "text/html"})
        assert page.status_code == 200
        shown = shown_harmlessly(page.text)
        assert name != "template" or path == "/" or "{{7*7}}" in shown


def test_nothing_of_it_is_anybody_elses(client: TestClient) -> None:
    assert client.get("/api/v1/traces", headers=THEIRS).json()["traces"] == []
    assert client.get("/api/v1/spans", headers=THEIRS).json()["spans"] == []
    for name in NAMES:
        assert client.get(f"/api/v1{path_of(name)}", headers=THEIRS).status_code == 404
