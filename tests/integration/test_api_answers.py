"""What does the API answer when something is wrong, large, strange or somebody else's?"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from starlette.testclient import TestClient

from api import pages, queries
from api import store as api_store
from api.problems import Problem
from api.queries import Query
from api.store import SETTINGS, ClickHouse
from api.times import Window
from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.frames import NOW_NS, batch, lean_rows, score_record, span, span_record, trace_record
from tests.builders.markup import shown_harmlessly
from tests.builders.served import api_config, fill, row_of, served
from tests.builders.stored import insert_scores, insert_spans, insert_traces
from tests.fixtures.ports import own_port
from tracemill.config import Store

pytestmark = pytest.mark.integration

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>'\"><svg/onload=alert(3)> \x1b]8;;http://evil\x07\x9b31m "
    "\u202egpj.exe\u202c \u2066x {{7*7}} {% raw %} ${x} javascript:alert(4) --> ]]> \x00 &lt;b&gt; </pre></style>"
)
LONG = "word " * 4_000
MESSAGES = json.dumps(
    [
        {"role": "user", "parts": [{"type": "text", "content": "Where is my order?"}]},
        {"role": HOSTILE, "parts": [{"type": "text", "content": HOSTILE}, {"type": HOSTILE, "content": LONG}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "name": HOSTILE, "arguments": {HOSTILE: HOSTILE}}]},
    ]
)
TRACE = "0b" * 16
DROPPED = "0c" * 16
UNCLOSED = "0d" * 16
THEIRS = "0e" * 16
SPOKEN_OF, MUCH = "0f" * 16, "1a" * 16
"""Of which there are scores, and nothing else."""
KEYS = {"mine": "default", "theirs": "other"}
MINE = {"x-tracemill-key": "mine"}


def hostile_spans() -> list[dict[str, Any]]:
    """A trace of which every text is hostile."""
    shared = {"trace_id": bytes.fromhex(TRACE), "service_name": HOSTILE, "span_type": HOSTILE, "session_id": HOSTILE}
    root = span(
        **shared,
        name=HOSTILE,
        started_at=NOW_NS,
        attributes=[(HOSTILE, HOSTILE), ("long", LONG)],
        resource_attributes=[(HOSTILE, HOSTILE)],
        events=[{"time": NOW_NS + 5_000_000, "name": HOSTILE, "attributes": [(HOSTILE, HOSTILE)]}],
        links=[{"trace_id": b"\x07" * 16, "span_id": b"\x08" * 8, "trace_state": HOSTILE, "attributes": []}],
        input_messages=MESSAGES,
        output_messages=HOSTILE,
        system_instructions="[" * 500 + "]" * 500,
        tool_arguments=HOSTILE,
        tool_result=json.dumps({HOSTILE: 1}),
        documents=json.dumps([HOSTILE]),
    )
    child = span(
        **shared,
        span_id=b"\x05" * 8,
        parent_span_id=b"\x02" * 8,
        name="child",
        started_at=NOW_NS + 1_000,
        status_code="ERROR",
        status_message=HOSTILE,
        error_type=HOSTILE,
    )
    return [root, child]


@pytest.fixture(scope="module")
def filled(store: str) -> Iterator[tuple[Client, str]]:
    client, name = connect(Store(url=store)), "api_answers"
    apply(client, Layout(name, "", 3_650))
    spans = hostile_spans()
    insert_spans(client, name, span_record(batch(spans)))
    insert_traces(
        client,
        name,
        row_of(spans[0], root_name=HOSTILE, service_name=HOSTILE, policy=HOSTILE, error_count=1, session_id=HOSTILE),
        trace_record(trace_id=DROPPED, decision="drop", policy="the-rest", opened_at=NOW_NS),
        trace_record(trace_id=THEIRS, tenant="other", root_name="theirs", opened_at=NOW_NS),
    )
    theirs = span(tenant="other", trace_id=bytes.fromhex(THEIRS), name="theirs")
    unclosed = span(trace_id=bytes.fromhex(UNCLOSED), name="unclosed")
    insert_spans(client, name, span_record(batch([theirs, unclosed])))
    told = {"name": "thumbs", "author": HOSTILE, "comment": HOSTILE}
    insert_scores(
        client,
        name,
        score_record(trace_id=TRACE, id="first", value=HOSTILE[:250], span_id="05" * 8, **told),
        score_record(trace_id=TRACE, id="second", value=False, at_ns=NOW_NS + 1, **told),
        score_record(trace_id=TRACE, id="second", value=0.5, at_ns=NOW_NS + 2, **told),
        score_record(trace_id=TRACE, id="first", tenant="other", value="theirs"),
        score_record(trace_id=DROPPED, value=1, at_ns=NOW_NS),
        score_record(trace_id=SPOKEN_OF, value=True, at_ns=NOW_NS),
        *(score_record(trace_id=MUCH, id=f"n{number}", value=number, at_ns=NOW_NS + number) for number in range(300)),
    )
    yield client, name
    client.command(f"DROP DATABASE {name} SYNC")
    client.close()


@pytest.fixture(scope="module")
def client(store: str, filled: tuple[Client, str]) -> Iterator[TestClient]:
    with served(api_config(store, filled[1], KEYS)) as (opened, _):
        opened.headers.update(MINE)
        yield opened


def problem(client: TestClient, path: str, **parameters: Any) -> dict[str, Any]:
    answer = client.get(path, params=parameters)
    assert answer.headers["content-type"] == "application/problem+json"
    document = dict(answer.json())
    assert document["status"] == answer.status_code
    assert {"type", "title", "status", "detail"} <= document.keys()
    return document


def test_a_trace_is_a_tree(client: TestClient) -> None:
    answer = client.get(f"/api/v1/traces/{TRACE.upper()}").json()
    assert (answer["trace"]["root_name"], answer["truncated"]) == (HOSTILE, False)
    (root,) = answer["spans"]
    assert (root["attributes"][HOSTILE], root["depth"], root["orphan"]) == (HOSTILE, 0, False)
    assert root["events"] == [
        {"time": "2026-11-18T11:06:40.005000000Z", "name": HOSTILE, "attributes": {HOSTILE: HOSTILE}}
    ]
    assert [child["name"] for child in root["children"]] == ["child"]
    assert "input_messages" not in root
    with_content = client.get(f"/api/v1/traces/{TRACE}", params={"content": "true"}).json()
    assert with_content["spans"][0]["input_messages"] == MESSAGES


def test_a_trace_comes_with_what_was_said_about_it_each_thing_as_it_was_said_last(client: TestClient) -> None:
    second, first = client.get(f"/api/v1/traces/{TRACE}").json()["scores"]
    assert (first["id"], first["value"], first["span_id"]) == ("first", HOSTILE[:250], "05" * 8)
    assert second == {
        "id": "second",
        "span_id": "",
        "name": "thumbs",
        "value": 0.5,
        "comment": HOSTILE,
        "author": HOSTILE,
        "source": "feedback",
        "at": "2026-11-18T11:06:40.000000002Z",
    }


def test_scores_are_shown_of_a_trace_that_was_dropped_or_that_nobody_knows(client: TestClient) -> None:
    assert [one["value"] for one in client.get(f"/api/v1/traces/{DROPPED}").json()["scores"]] == [1]
    unknown = client.get(f"/api/v1/traces/{SPOKEN_OF}").json()
    assert (unknown["trace"], unknown["spans"], unknown["scores"][0]["value"]) == (None, [], True)
    assert "Scores" in client.get(f"/traces/{SPOKEN_OF}").text


def test_so_many_scores_are_shown_and_no_more(client: TestClient) -> None:
    values = [one["value"] for one in client.get(f"/api/v1/traces/{MUCH}").json()["scores"]]
    assert values == list(range(299, 299 - queries.TRACE_SCORES, -1))


def test_a_dropped_trace_has_its_row_and_an_unclosed_one_its_spans(client: TestClient) -> None:
    dropped = client.get(f"/api/v1/traces/{DROPPED}").json()
    assert (dropped["trace"]["decision"], dropped["spans"]) == ("drop", [])
    unclosed = client.get(f"/api/v1/traces/{UNCLOSED}").json()
    assert (unclosed["trace"], [node["name"] for node in unclosed["spans"]]) == (None, ["unclosed"])


def test_another_tenants_trace_is_one_that_is_not_there(client: TestClient) -> None:
    mine, theirs = (problem(client, f"/api/v1/traces/{id_}") for id_ in ("ff" * 16, THEIRS))
    assert mine["status"] == 404
    assert {**mine, "detail": ""} == {**theirs, "detail": ""}
    assert theirs["detail"].replace(THEIRS, "ff" * 16) == mine["detail"]
    page = client.get(f"/traces/{THEIRS}/spans/{'02' * 8}")
    assert (page.status_code, "theirs" in page.text) == (404, False)
    own = client.get(f"/api/v1/traces/{THEIRS}", headers={"x-tracemill-key": "theirs"}).json()
    assert own["trace"]["root_name"] == "theirs"


@pytest.mark.parametrize(
    ("path", "parameters", "status", "slug", "text"),
    [
        ("/api/v1/traces", {"limt": "3"}, 400, "unknown-parameter", "did you mean `limit`"),
        ("/api/v1/traces", {"limit": "1001"}, 400, "bad-parameter", "limit: "),
        ("/api/v1/traces", {"from": "yesterday"}, 400, "bad-parameter", "from: "),
        ("/api/v1/traces", {"order": "cost"}, 400, "bad-parameter", "order: "),
        ("/api/v1/traces", {"cursor": "x"}, 400, "bad-parameter", "cursor: "),
        ("/api/v1/traces", {"filter": "error_count >"}, 400, "bad-expression", "filter: "),
        ("/api/v1/spans", {"content": "1"}, 400, "bad-parameter", "content: "),
        ("/api/v1/spans", {"filter": "any_span(TRUE)"}, 400, "bad-expression", "filter: "),
        ("/api/v1/traces/xyz", {}, 400, "bad-parameter", "trace_id: 'xyz' hasn't 32 hex digits"),
        (f"/api/v1/traces/{TRACE}", {"from": "1h"}, 400, "unknown-parameter", "there are: content"),
        ("/api/v1/nothing", {}, 404, "not-found", "there is no /api/v1/nothing"),
        ("/api/v1/traces/", {}, 404, "not-found", "there is no /api/v1/traces/"),
        ("//api/v1/traces", {}, 404, "not-found", "there is no"),
        ("/api/v1/traces/..%2f", {}, 404, "not-found", "there is no"),
    ],
)
def test_problems(client: TestClient, path: str, parameters: dict[str, str], status: int, slug: str, text: str) -> None:
    document = problem(client, path, **parameters)
    assert (document["status"], document["type"]) == (status, f"urn:tracemill:problem:{slug}")
    assert text in document["detail"]


def test_only_reading(client: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = client.request(method, "/api/v1/traces")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert answer.json()["type"] == "urn:tracemill:problem:method-not-allowed"
    assert client.head("/api/v1/traces").status_code == 200


def test_without_a_token_nothing_is_told(client: TestClient) -> None:
    for path in ("/api/v1/traces", f"/api/v1/traces/{TRACE}", "/api/v1/spans", "/", f"/traces/{TRACE}"):
        answer = client.get(path, headers={"x-tracemill-key": "wrong"})
        assert answer.status_code == 401, path
        assert "www-authenticate" in answer.headers
        assert "theirs" not in answer.text
    for path in ("/healthz", "/readyz", "/metrics", "/api/v1/openapi.json"):
        assert client.get(path, headers={"x-tracemill-key": "wrong"}).status_code == 200


def test_a_trace_of_many_spans_is_cut_and_says_so(
    client: TestClient, filled: tuple[Client, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database_client, name = filled
    many = bytes(15) + b"\x99"
    rows = [
        span(trace_id=many, span_id=number.to_bytes(8), started_at=NOW_NS + number)
        for number in range(1, queries.TRACE_SPANS + 101)
    ]
    insert_spans(database_client, name, span_record(batch(rows)))
    answer = client.get(f"/api/v1/traces/{many.hex()}").json()
    assert answer["truncated"] is True
    assert [node["span_id"] for node in answer["spans"]] == [
        f"{number:016x}" for number in range(1, queries.TRACE_SPANS + 1)
    ]
    page = client.get(f"/traces/{many.hex()}")
    assert page.text.count('<details class="span ') == pages.SPANS_SHOWN
    assert "These are the 1,000 earliest spans" in page.text
    monkeypatch.setattr(api_store, "SETTINGS", {**SETTINGS, "max_memory_usage": 1_000_000})
    document = problem(client, f"/api/v1/traces/{many.hex()}")
    assert (document["status"], document["type"]) == (422, "urn:tracemill:problem:too-expensive")
    assert "ask for less time" in document["detail"]


def test_texts_too_long_for_a_page_are_left_to_pages_of_their_own(
    client: TestClient, filled: tuple[Client, str]
) -> None:
    database_client, name = filled
    large = bytes(15) + b"\x98"
    rows = [span(trace_id=large, span_id=bytes([number] * 8), input_messages="x" * 2_000_000) for number in range(1, 7)]
    insert_spans(database_client, name, span_record(batch(rows)))
    page = client.get(f"/traces/{large.hex()}")
    assert (page.status_code, page.text.count("Messages and other long texts of this span")) == (200, 6)
    one = client.get(f"/traces/{large.hex()}/spans/{'01' * 8}")
    assert "2,000,000 characters" in one.text


@pytest.mark.parametrize("path", ["/", f"/traces/{TRACE}", f"/traces/{TRACE}/spans/{'02' * 8}", "/?filter=HOSTILE"])
def test_hostile_text_is_only_ever_text(client: TestClient, path: str) -> None:
    answer = client.get(
        path.replace("HOSTILE", ""), params={"filter": f"root_name = '{HOSTILE}'"} if "?" in path else {}
    )
    policy = answer.headers["content-security-policy"]
    assert "script" not in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; style-src 'self' 'nonce-")
    shown = shown_harmlessly(answer.text)
    assert "<script>alert(1)</script>" in shown
    assert "⟨U+202E⟩gpj.exe" in shown
    assert "{{7*7}}" in shown


def test_what_a_person_looks_for_is_on_the_page(client: TestClient) -> None:
    text = client.get(f"/traces/{TRACE}").text
    for wanted in ("Where is my order?", "1 error", 'id="s1"', "Tool arguments", "characters"):
        assert wanted in text
    assert re.search(r"#s0\{--d:0;--l:0\.0000%;--w:99\.\d{4}%\}", text)
    assert "dropped" in client.get(f"/traces/{DROPPED}").text
    assert "hasn't closed yet" in client.get(f"/traces/{UNCLOSED}").text.replace("&#39;", "'")
    home = client.get("/").text
    assert f'href="/traces/{TRACE}"' in home
    for path in re.findall(r'(?:href|src)="(/assets/[^"]+)"', home):
        assert client.get(path).status_code == 200


def test_a_filter_that_cannot_be_read_is_shown_with_its_place(client: TestClient) -> None:
    answer = client.get("/", params={"filter": "eror_count > 0"})
    assert answer.status_code == 400
    assert "^^^^^^^^^^" in answer.text
    assert 'value="eror_count &gt; 0"' in answer.text


def test_an_empty_page_says_when_the_newest_trace_came(client: TestClient) -> None:
    assert "The newest trace came in" in client.get("/", params={"from": "1m"}).text
    nobody = client.get("/", params={"filter": "root_name = 'nobody'"})
    assert "No traces like this" in nobody.text


def test_pages_of_a_list_follow_each_other(client: TestClient) -> None:
    first = client.get("/", params={"limit": "1"})
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    second = client.get(following[1].replace("&amp;", "&"))
    ids = [set(re.findall(r'href="/traces/([0-9a-f]{32})"', page.text)) for page in (first, second)]
    assert len(ids[0] | ids[1]) == 2


def test_every_answer_says_that_nobody_may_keep_or_frame_it(client: TestClient) -> None:
    for path in ("/", "/api/v1/traces", "/api/v1/nothing", "/nothing", "/healthz", "/api/v1/openapi.json"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store", path
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_page_that_is_not_there_is_a_page_for_a_browser(client: TestClient) -> None:
    answer = client.get("/nothing", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert client.get("/nothing").headers["content-type"] == "application/problem+json"


def test_a_store_that_is_away_is_said_to_be(store: str) -> None:
    with served(api_config(f"http://127.0.0.1:{own_port()}", "tracemill")) as (client, _):
        document = problem(client, "/api/v1/traces")
        assert (document["status"], document["type"]) == (503, "urn:tracemill:problem:store-away")
        assert client.get("/api/v1/traces").headers["retry-after"] == "1"
        ready = client.get("/readyz")
        assert (ready.status_code, "can't be reached" in ready.text) == (503, True)
        assert client.get("/healthz").status_code == 200
    with served(api_config(store, "no_such_database")) as (client, _):
        assert "tracemill schema apply" in problem(client, "/api/v1/traces")["detail"]
        assert client.get("/readyz").status_code == 503


def test_no_query_goes_without_its_limits(store: str, filled: tuple[Client, str]) -> None:
    database_client, name = filled
    fill(database_client, name, lean_rows(2, 5))
    asked = [
        ("/api/v1/traces", {"filter": "any_span(name = 'chat gpt-4o')"}),
        ("/api/v1/spans", {"filter": "name != ''", "content": "true"}),
        (f"/api/v1/traces/{TRACE}", {}),
        ("/", {"from": "1s"}),
        (f"/traces/{TRACE}/spans/{'02' * 8}", {}),
    ]
    with served(api_config(store, name)) as (client, recorded):
        for path, parameters in asked:
            assert client.get(path, params=parameters).status_code == 200, path
    everything = [*recorded.queries, queries.policies(Window(0, 1), "default", 1_000)]
    statements = {file.stem for file in queries.SQL.glob("*.sql")} - {"ready", "spans_of_traces"}
    assert {query.name for query in everything} == statements
    for query in everything:
        assert "{tenant:String}" in query.sql
        assert query.parameters["tenant"] == "default"
        one_row = "LIMIT" not in query.sql
        assert one_row or re.search(r"LIMIT (1$|\{rows:UInt32\})", query.sql)
        by_time = "{from_ns:Int64}" in query.sql and "{to_ns:Int64}" in query.sql
        assert by_time or "{trace_id:String}" in query.sql


def test_no_statement_can_change_or_write_anything(store: str, filled: tuple[Client, str]) -> None:
    config = api_config(store, filled[1])
    tried = (
        "SELECT 1 SETTINGS max_execution_time = 0",
        "DROP TABLE traces",
        "INSERT INTO traces (tenant) VALUES ('x')",
    )

    async def refused(sql: str) -> str:
        engine = ClickHouse(config.store)
        try:
            await engine.rows(Query("tried", sql, {}, 1))
        except Problem as problem:
            return problem.trouble.slug
        finally:
            await engine.close()
        return "done"

    assert [asyncio.run(refused(sql)) for sql in tried] == ["store-away"] * 3
    assert {"max_execution_time", "max_memory_usage", "result_overflow_mode"} <= SETTINGS.keys()


def test_a_question_that_takes_too_long_is_stopped(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_store, "SETTINGS", {**SETTINGS, "max_execution_time": 0.000001})
    document = problem(client, "/api/v1/traces", filter="any_span(REGEXP_LIKE(name, '.*a.*b.*'))")
    assert document["type"] == "urn:tracemill:problem:too-expensive"
