"""Who means no good is told nothing of others, reaches nothing else, and keeps nobody waiting: against the real API."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import quote

import httpx
import psutil
import pytest

from api.endpoints import ENDPOINTS
from api.pages import PAGES
from runtime.kafka import ensure_topics
from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.attacks import MIB, dripping, is_over
from tests.builders.frames import batch, span, span_record
from tests.builders.served import api_process, row_of
from tests.builders.stored import insert_spans, insert_traces
from tests.fixtures.servers import Server
from tests.fixtures.waiting import PATIENCE_S, eventually
from tracemill.config import Kafka, Store, token_hash

pytestmark = pytest.mark.integration

DATABASE = "api_hostile"
TRACE, SPAN = "0a" * 16, "0b" * 8
SECRET = "only-mine"
"""In every text of the trace that is `tenant-mine`'s alone."""
SESSION = "a-session"
TOKENS = {"mine-0123456789": "tenant-mine", "theirs-0123456789": "tenant-theirs"}
MINE, THEIRS = ({"x-tracemill-key": token} for token in TOKENS)
RANGE = {"from": "2026-11-18", "to": "2026-11-19"}
API_BYTES = 512 * MIB
BACKTRACKING = "a" * 30_000 + "!"


@pytest.fixture(scope="module")
def api(kafka: str, store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The API as a process, over a store with a trace of one tenant and nothing of another."""
    directory = tmp_path_factory.mktemp("api")
    client = connect(Store(url=store))
    apply(client, Layout(DATABASE, "", 3_650))
    shared = {"tenant": "tenant-mine", "trace_id": bytes.fromhex(TRACE), "service_name": SECRET, "session_id": SECRET}
    root = span(
        **shared, span_id=bytes.fromhex(SPAN), name=SECRET, input_messages=SECRET, attributes=[(SECRET, SECRET)]
    )
    slow = span(**{**shared, "trace_id": b"\x0c" * 16, "name": BACKTRACKING})
    insert_spans(client, DATABASE, span_record(batch([root, slow])))
    insert_traces(client, DATABASE, row_of(root, root_name=SECRET), row_of(slow, root_name=BACKTRACKING))
    tokens = [{"sha256": token_hash(token), "tenant": tenant} for token, tenant in TOKENS.items()]
    log = Kafka(bootstrap=kafka, namespace="api-hostile", partitions=2)
    ensure_topics(log)
    sections = {"store": {"url": store, "database": DATABASE}, "ingest": {"tokens": tokens}, "log_level": "debug"}
    sections["kafka"] = log.model_dump(mode="json")
    server = api_process(directory, sections)
    server.start()
    yield server
    server.stop()
    client.command(f"DROP DATABASE {DATABASE} SYNC")
    client.close()


@pytest.fixture(autouse=True)
def unharmed(api: Server) -> Iterator[None]:
    """Whatever is asked: the API is the same process afterwards, not large, answers, and has logged no secret."""
    yield
    assert asked(api, "/api/v1/traces", MINE, **RANGE).status_code == 200
    assert api.process
    assert api.process.poll() is None
    own = psutil.Process(api.process.pid)
    assert sum(one.memory_info().rss for one in (own, *own.children(recursive=True))) < API_BYTES
    log = api.log.read_text()
    assert "Traceback" not in log
    assert not [token for token in TOKENS if token in log]


def asked(api: Server, path: str, headers: dict[str, str], method: str = "GET", **parameters: str) -> httpx.Response:
    """An answer; the path goes as it is."""
    query = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in parameters.items())
    url = f"{api.address}{path}" + (f"?{query}" if query else "")
    return httpx.request(method, url, headers=headers, timeout=PATIENCE_S)


def raw(api: Server, sent: bytes) -> bytes:
    """What comes back for bytes on the wire, until the other side closes."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port_of(api)), PATIENCE_S) as connection:
        with suppress(OSError):
            connection.sendall(sent)
        with suppress(ConnectionResetError):
            while more := connection.recv(65_536):
                heard += more
    return heard


def port_of(api: Server) -> int:
    return int(api.address.rpartition(":")[2])


# ---- whose is it -----------------------------------------------------------------------------------------------------

ASKED_OF_THE_LOG = {"/api/v1/overrides", "/api/v1/rules"}
"""Whose answers these are is seen in test_orders_of_tenants.py."""
READ = [one for one in ENDPOINTS if one.method == "GET" and one.path not in ASKED_OF_THE_LOG]
PATHS = [one.path.replace("{trace_id}", TRACE).replace("{span_id}", SPAN) for one in (*READ, *PAGES)]
"""Every path that answers with data of the store."""
FILTERS = [
    f"trace_id = '{TRACE}'",
    "tenant = 'tenant-mine'",
    "tenant != ''",
    "tenant IS NOT NULL OR TRUE",
    "NOT tenant = 'tenant-theirs'",
    "any_span(tenant = 'tenant-mine')",
    f"any_span(trace_id = '{TRACE}')",
    "count_spans(TRUE) >= 0",
    f"session_id = '{SESSION}'",
    "TRUE) OR (TRUE",
    "') OR 1=1 --",
    "1=1 OR tenant = 'tenant-mine'",
    "TRUE) UNION ALL SELECT * FROM spans --",
    "tenant = {tenant:String} OR TRUE",
    "TRUE SETTINGS readonly = 0",
    "tenant IN (SELECT tenant FROM traces)",
    "(SELECT count() FROM system.tables) > 0",
    "file('/etc/passwd') = ''",
    "url('http://127.0.0.1/') = ''",
    "TRUE; DROP TABLE traces",
]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_of_one_tenant_is_in_an_answer_to_another(api: Server, path: str) -> None:
    mine = asked(api, path, MINE, **(RANGE if path in ("/", "/api/v1/traces", "/api/v1/spans") else {}))
    assert (mine.status_code, SECRET in mine.text) == (200, True)
    theirs = asked(api, path, THEIRS, **(RANGE if path in ("/", "/api/v1/traces", "/api/v1/spans") else {}))
    assert theirs.status_code in (200, 404)
    assert SECRET not in theirs.text
    nobody = asked(api, path, {})
    assert (nobody.status_code, SECRET in nobody.text) == (401, False)


@pytest.mark.parametrize("path", ["/", "/api/v1/traces", "/api/v1/spans"])
@pytest.mark.parametrize("filter_", FILTERS)
def test_no_filter_reaches_beyond_a_tenant(api: Server, path: str, filter_: str) -> None:
    answer = asked(api, path, THEIRS, filter=filter_, **RANGE)
    assert answer.status_code in (200, 400)
    assert SECRET not in answer.text
    if answer.status_code == 200 and path != "/":
        assert json.loads(answer.text)[path.rpartition("/")[2]] == []


@pytest.mark.parametrize(
    "header",
    [
        {"X-Tenant": "tenant-mine"},
        {"X-Scope-OrgID": "tenant-mine"},
        {"tracemill.tenant": "tenant-mine"},
        {"X-Forwarded-User": "tenant-mine"},
        {"X-Original-URL": f"/api/v1/traces/{TRACE}"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"Forwarded": "for=127.0.0.1;host=localhost"},
        {"Cookie": f"x-tracemill-key={next(iter(TOKENS))}"},
    ],
)
def test_no_header_makes_one_tenant_another(api: Server, header: dict[str, str]) -> None:
    assert asked(api, "/api/v1/traces", {**THEIRS, **header}, **RANGE).json()["traces"] == []
    assert asked(api, f"/api/v1/traces/{TRACE}", {**THEIRS, **header}).status_code == 404
    assert asked(api, f"/api/v1/traces/{TRACE}", header).status_code == 401


def test_a_cursor_of_one_tenant_shows_another_nothing_however_it_is_changed(api: Server) -> None:
    cursor = asked(api, "/api/v1/traces", MINE, limit="1", **RANGE).json()["next_cursor"]
    assert cursor
    assert asked(api, "/api/v1/traces", THEIRS, cursor=cursor, **RANGE).json()["traces"] == []
    inside = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    for place in range(len(inside)):
        for other in (0, -1, 2**64, "", "' OR 1=1 --", None, [], [TRACE] * 5, {"tenant": "tenant-mine"}, "tenant-mine"):
            changed = [*inside[:place], other, *inside[place + 1 :]]
            text = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
            answer = asked(api, "/api/v1/traces", THEIRS, cursor=text, **RANGE)
            assert answer.status_code == 400 or answer.json()["traces"] == []
    for text in ("A" * 8_000, "=" * 100, "../../etc/passwd", "null", "e30", cursor[:-3], cursor * 2, "\x00", "💥"):
        assert asked(api, "/api/v1/traces", THEIRS, cursor=text, **RANGE).status_code == 400


# ---- paths, methods, headers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "//api/v1/traces",
        "/api//v1/traces",
        "/api/v1//traces",
        "/api/v1/traces/",
        "/api/v1/traces;x=1",
        "/API/V1/TRACES",
        "/./api/v1/traces",
        "/assets/../api/v1/traces",
        "/assets/..%2f..%2fapp.py",
        "/assets/%2e%2e/app.py",
        "/assets//etc/passwd",
        "/api/v1/traces%00",
        "/api/v1/traces%20",
        "/api/v1/traces\\",
        f"/api/v1/traces/{TRACE}/",
        f"/api/v1/traces/{TRACE}%2f..",
        f"/api/v1/traces/{TRACE}%00",
        f"/traces/{TRACE}/spans/",
        f"/traces/{TRACE}/spans/{SPAN}/..",
        "/api/v1/" + "x/" * 5_000,
        "/metrics/../api/v1/traces",
        "/healthz/..;/api/v1/traces",
    ],
)
def test_there_is_one_way_to_each_path(api: Server, path: str) -> None:
    for headers in ("", "x-tracemill-key: theirs-0123456789\r\n"):
        heard = raw(api, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n".encode())
        assert heard.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 ", b"HTTP/1.1 404 "))
        assert SECRET.encode() not in heard


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/api/v1/traces", f"/api/v1/traces/{TRACE}", "/api/v1/spans", "/", "/metrics"])
def test_what_only_reads_is_only_read(api: Server, method: str, path: str) -> None:
    answer = asked(api, path, {**MINE, "X-Echo": SECRET}, method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert SECRET not in answer.text


def test_head_is_get_without_a_body(api: Server) -> None:
    for headers, status in ((MINE, 200), ({}, 401)):
        answer = asked(api, f"/api/v1/traces/{TRACE}", headers, "HEAD")
        assert (answer.status_code, answer.content) == (status, b"")
    assert asked(api, f"/api/v1/traces/{TRACE}", THEIRS, "HEAD").status_code == 404


def test_connect_and_what_is_no_method(api: Server) -> None:
    for line in (
        b"CONNECT localhost:22 HTTP/1.1",
        b"get /api/v1/traces HTTP/1.1",
        b"GET /api/v1/traces HTTP/9.9",
        b"\0",
    ):
        heard = raw(api, line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert heard == b"" or heard.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("size", [60_000, 300_000, 8 * MIB])
@pytest.mark.parametrize("name", ["X-Large", "Authorization", "x-tracemill-key", "Host", "Accept", "Cookie"])
def test_large_headers_are_refused_or_ignored(api: Server, name: str, size: int) -> None:
    value = ("localhost" if name == "Host" else "Bearer ") + "x" * size
    heard = raw(api, f"GET /api/v1/traces HTTP/1.1\r\n{name}: {value}\r\nConnection: close\r\n\r\n".encode())
    assert heard == b"" or heard.startswith(b"HTTP/1.1 4")
    assert size < 100_000 or not heard.startswith(b"HTTP/1.1 401")


def test_thousands_of_headers_and_of_parameters(api: Server) -> None:
    many = "".join(f"X-{number}: {number}\r\n" for number in range(20_000))
    heard = raw(api, f"GET /api/v1/traces HTTP/1.1\r\n{many}Connection: close\r\n\r\n".encode())
    assert heard == b"" or heard.startswith(b"HTTP/1.1 4")
    query = "&".join(f"filter={number}" for number in range(5_000))
    answer = httpx.get(f"{api.address}/api/v1/traces?{query}", headers=MINE, timeout=PATIENCE_S)
    assert (answer.status_code, "given twice" in answer.json()["detail"]) == (400, True)


def test_a_body_that_nobody_asked_for_is_not_kept(api: Server) -> None:
    answer = httpx.request("GET", f"{api.address}/healthz", content=b"x" * (64 * MIB), timeout=PATIENCE_S)
    assert answer.status_code == 200


# ---- what is sent ----------------------------------------------------------------------------------------------------

FEEDBACK = {"trace_id": TRACE, "name": "thumbs", "value": False}
HOSTILE_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not an object": b"[" * 30_000,
    "deep": b'{"value": ' * 5_000,
    "many members": json.dumps(FEEDBACK | {f"m{number}": 1 for number in range(3_000)}).encode(),
    "members twice": b'{"trace_id": "x", "trace_id": "y", "name": "x", "value": 1}',
    "another tenant": json.dumps(FEEDBACK | {"tenant": "tenant-mine"}).encode(),
    "another author": json.dumps(FEEDBACK | {"author": "the boss"}).encode(),
    "a version": json.dumps(FEEDBACK | {"version": 2**64}).encode(),
    "a name of markup": json.dumps(FEEDBACK | {"name": "<img src=x onerror=alert(1)>"}).encode(),
    "an id that climbs": json.dumps(FEEDBACK | {"id": "../../rules"}).encode(),
    "a number that isn't": b'{"trace_id": "' + TRACE.encode() + b'", "name": "x", "value": NaN}',
    "a number without an end": b'{"trace_id": "'
    + TRACE.encode()
    + b'", "name": "x", "value": 1'
    + b"0" * 60_000
    + b"}",
    "half a letter": b'{"trace_id": "' + TRACE.encode() + b'", "name": "x", "value": "\\ud800"}',
    "no letters": b'{"trace_id": "' + TRACE.encode() + b'", "name": "x", "value": "\xff"}',
    "UTF-16": json.dumps(FEEDBACK).encode("utf-16"),
    "a long comment": json.dumps(FEEDBACK | {"comment": "x" * 60_000}).encode(),
}


def give(api: Server, body: bytes, headers: dict[str, str]) -> httpx.Response:
    url = f"{api.address}/api/v1/feedback"
    return httpx.post(url, content=body, headers={"content-type": "application/json", **headers}, timeout=PATIENCE_S)


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_a_body_that_is_not_feedback_is_refused(api: Server, name: str) -> None:
    answer = give(api, HOSTILE_BODIES[name], THEIRS)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:tracemill:problem:bad-body")
    assert SECRET not in answer.text


def test_a_body_without_an_end_is_not_read_to_its_end(api: Server) -> None:
    assert give(api, b" " * (64 * MIB), THEIRS).status_code == 413


def test_feedback_of_one_tenant_says_nothing_of_a_trace_of_another(api: Server) -> None:
    mine, theirs = (give(api, json.dumps(FEEDBACK).encode(), who) for who in (MINE, THEIRS))
    assert (mine.status_code, mine.json()["trace"]["status"]) == (202, "kept")
    assert (theirs.status_code, theirs.json()["trace"]["status"]) == (202, "unknown")
    assert SECRET not in theirs.text
    assert give(api, json.dumps(FEEDBACK).encode(), {}).status_code == 401


def test_what_is_hostile_in_a_text_is_text_in_the_answer(api: Server) -> None:
    hostile = "'; DROP TABLE scores; --\x00\u202e<script>{{7*7}}"
    answer = give(api, json.dumps(FEEDBACK | {"value": hostile, "comment": hostile}).encode(), MINE)
    assert (answer.status_code, answer.json()["score"]["value"]) == (202, hostile)


# ---- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "999999999999", "1e3", "0x10", "1_0", " 1", "１０", "NaN", "1;2"])
@pytest.mark.parametrize("path", ["/api/v1/traces", "/api/v1/spans", "/"])
def test_limits_are_limits(api: Server, path: str, limit: str) -> None:
    answer = asked(api, path, MINE, limit=limit, **RANGE)
    assert answer.status_code == 400
    assert "limit" in answer.text


@pytest.mark.parametrize(
    "window",
    [
        {"from": "0", "to": "9999999999"},
        {"from": "1970-01-01", "to": "2262-01-01"},
        {"from": "999999w"},
        {"from": "0001-01-01T00:00:00Z"},
        {"to": "9999-12-31T23:59:59.999999999Z"},
        {"from": "2026-01-02", "to": "2026-01-01"},
        {"from": "9" * 8_000},
        {"from": "-1"},
    ],
)
def test_windows_of_any_size_are_answered_or_refused(api: Server, window: dict[str, str]) -> None:
    for path in ("/api/v1/traces", "/api/v1/spans"):
        assert asked(api, path, MINE, **window).status_code in (200, 400, 422)


LARGE_FILTERS = {
    "long": "root_name = '" + "x" * 5_000 + "'",
    "longer than any parameter": "x" * 10_000,
    "many terms": " OR ".join(["error_count > 0"] * 150),
    "many words": " OR ".join(["error_count > 0"] * 260),
    "deep": "(" * 500 + "TRUE" + ")" * 500,
    "deep CASE": "CASE WHEN TRUE THEN " * 100 + "TRUE" + " ELSE FALSE END" * 100,
    "NOT NOT": "NOT " * 900 + "TRUE",
    "minus minus": "error_count > " + "- " * 700 + "1",
    "brackets": "[" * 1_000,
    "quotes": "'" * 4_001,
    "comments": "/*" * 2_000,
    "many quantifiers": " OR ".join([f"any_span(error_type = '{number}')" for number in range(60)]),
    "nested quantifiers": "any_span(" * 15 + "TRUE" + ")" * 15,
    "casts": "error_count" + "::int" * 700,
    "nothing": " ",
    "no text": "\x00",
    "lone surrogate": "root_name = '\ud800'",
}


@pytest.mark.parametrize("name", LARGE_FILTERS)
def test_large_and_deep_filters_are_answered_or_refused(api: Server, name: str) -> None:
    text = LARGE_FILTERS[name].encode("utf-8", "surrogatepass")
    for path in ("/api/v1/traces", "/"):
        url = f"{api.address}{path}?filter={quote(text, safe='')}&from=2026-11-18&to=2026-11-19"
        assert httpx.get(url, headers=MINE, timeout=PATIENCE_S).status_code in (200, 400, 422)


REGEXES = ["(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){12}$", "([a-z]+)*$", "(a+){10}$", "^(([a-z])+.)+[A-Z]([a-z])+$"]
REGEXES += ["(x+x+)+y", "(.+)+b", "(a?){30}a{30}", "a{1000}", "((a{10}){10}){10}", "(a*)*b", "\\b(a+)+\\b"]
REFUSED_REGEXES = [r"(a)\1", "(?=a+)+", "(?<!a)b", "(" * 100, "a{99999}", "[", "(?i", "\\", "a**", "(?P<x>a)(?P=x)"]


@pytest.mark.parametrize("pattern", REGEXES)
def test_no_regular_expression_takes_longer_than_its_text(api: Server, pattern: str) -> None:
    """Over a name of 30,000 letters, on which an engine that backtracks wouldn't end."""
    condition = f"REGEXP_LIKE(root_name, '{pattern}') OR any_span(REGEXP_LIKE(name, '{pattern}'))"
    assert asked(api, "/api/v1/traces", MINE, filter=condition, **RANGE).status_code == 200


@pytest.mark.parametrize("pattern", REFUSED_REGEXES)
def test_regular_expressions_that_need_backtracking_are_refused(api: Server, pattern: str) -> None:
    answer = asked(api, "/api/v1/traces", MINE, filter=f"REGEXP_LIKE(root_name, '{pattern}')", **RANGE)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:tracemill:problem:bad-expression")


# ---- connections, secrets --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"GET /api/v1/traces HTTP/1.1\r\nX-Slow: ",
        b"GET /",
        b"POST /api/v1/traces HTTP/1.1\r\nContent-Length: 100000\r\n\r\n",
    ],
)
def test_who_sends_a_byte_now_and_then_keeps_nobody_waiting_and_is_cut_off(api: Server, begin: bytes) -> None:
    with dripping(port_of(api), 300, begin) as connections:
        assert asked(api, "/api/v1/traces", MINE, **RANGE).status_code == 200
        eventually(lambda: all(map(is_over, connections)))


def test_connections_that_say_nothing_are_closed(api: Server) -> None:
    with ExitStack() as held:
        silent = [
            held.enter_context(socket.create_connection(("127.0.0.1", port_of(api)), PATIENCE_S)) for _ in range(300)
        ]
        assert asked(api, "/api/v1/traces", MINE, **RANGE).status_code == 200
        eventually(lambda: all(map(is_over, silent)))


def test_a_connection_is_kept_for_the_next_question(api: Server) -> None:
    with httpx.Client(base_url=api.address, headers=MINE, timeout=PATIENCE_S) as client:
        for _ in range(20):
            assert client.get("/api/v1/traces", params=RANGE).status_code == 200


@pytest.mark.parametrize(
    "path", ["/metrics", "/readyz", "/api/v1/openapi.json", "/api/v1/traces?filter=x", "/?filter=x"]
)
def test_what_is_told_of_the_store_and_of_tokens_is_nothing(api: Server, path: str) -> None:
    text = asked(api, path, MINE).text
    for secret in (*TOKENS, *map(token_hash, TOKENS), DATABASE, "DB::Exception", "/tmp/", SECRET):
        assert secret not in text
