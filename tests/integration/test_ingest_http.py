"""OTLP over HTTP as clients of all kinds speak it: codes, bodies, limits, odd and hostile connections."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.builders.ingesting import PROTOBUF, Ingester, configured, ingesting
from tests.builders.otlp import request, span
from tests.fixtures.waiting import PATIENCE_S, eventually
from tracemill.config import token_hash

pytestmark = pytest.mark.integration

JSON = "application/json"
KEY = {"x_tracemill_key": "one"}
BODY = request(span()).SerializeToString()
LIMITS = {"request_bytes": 1 << 20, "inflated_bytes": 2 << 20, "request_spans": 1_000, "span_bytes": 100_000}


@pytest.fixture(scope="module")
def ingester(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingester]:
    tokens = [{"sha256": token_hash(name), "tenant": f"tenant-{name}"} for name in ("one", "two")]
    config = configured(kafka, "http", LIMITS, tokens=tokens, in_flight_bytes=8 << 20)
    with ingesting(config, tmp_path_factory.mktemp("ingest")) as running:
        yield running


def connected(ingester: Ingester) -> socket.socket:
    """A connection that waits for as long as a test does."""
    return socket.create_connection(("127.0.0.1", ingester.config.ingest.http_port), PATIENCE_S)


def raw(ingester: Ingester, sent: bytes) -> bytes:
    """What comes back for bytes on the wire until the other side closes, perhaps before it has read all of them."""
    heard = b""
    with connected(ingester) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        with suppress(ConnectionResetError):
            while more := connection.recv(65_536):
                heard += more
    return heard


def head(*lines: str) -> bytes:
    """A POST's request line and headers."""
    fixed = ("POST /v1/traces HTTP/1.1", "Host: x", f"Content-Type: {PROTOBUF}", "x-tracemill-key: one")
    return "\r\n".join((*fixed, *lines, "", "")).encode()


@pytest.mark.parametrize(
    "headers",
    [{"x_tracemill_key": "one"}, {"Authorization": "Bearer one"}, {"AUTHORIZATION": "bearer  one"}],
)
def test_a_token_says_whose_it_is(ingester: Ingester, headers: dict[str, str]) -> None:
    sent = span(trace=500, number=int(time.time_ns() % 2**40))
    assert ingester.post(request(sent).SerializeToString(), **headers).status == 200
    (found,) = [one for one in ingester.spans() if one.span.span_id == sent.span_id]
    assert found.tenant == "tenant-one"


@pytest.mark.parametrize("media", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    "headers",
    [{}, {"x_tracemill_key": "three"}, {"Authorization": "Basic b25l"}, {"Authorization": "Bearer one", **KEY}],
)
def test_who_shows_no_known_token_is_refused(ingester: Ingester, media: str, headers: dict[str, str]) -> None:
    heard = ingester.post(BODY, media, **headers)
    assert heard.status == 401
    assert heard.headers["www-authenticate"].startswith("Bearer")
    assert heard.headers["content-type"] == media
    code = json.loads(heard.body)["code"] if media == JSON else Status.FromString(heard.body).code
    assert code == 16


def test_doubled_and_mixed_headers_are_refused(ingester: Ingester) -> None:
    for twice in ("x-tracemill-key: two", "x-tracemill-key: one", "Authorization: Bearer two"):
        heard = raw(ingester, head(twice, f"Content-Length: {len(BODY)}", "Connection: close") + BODY)
        assert heard.startswith(b"HTTP/1.1 401 ")


def test_partial_success_names_what_was_refused(ingester: Ingester) -> None:
    heard = ingester.post(request(span(), span(span_id=b"x")).SerializeToString(), **KEY)
    assert heard.status == 200
    partial = ExportTraceServiceResponse.FromString(heard.body).partial_success
    assert partial.rejected_spans == 1
    assert "spans[1]" in partial.error_message
    refused = ingester.metric("tracemill_ingest_refused_spans_total", protocol="http_protobuf", reason="bad_span_id")
    assert refused >= 1


@pytest.mark.parametrize(
    ("body", "media", "headers", "status", "says"),
    [
        (b"nonsense", PROTOBUF, {}, 400, "isn't an ExportTraceServiceRequest"),
        (b"nonsense", JSON, {}, 400, "isn't OTLP in JSON"),
        (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"X"}]}]}]}', JSON, {}, 400, "kind"),
        (BODY, "text/plain", {}, 415, "content-type: send"),
        (BODY, "", {}, 415, "content-type: send"),
        (BODY, PROTOBUF, {"Content_Encoding": "br"}, 415, "content-encoding: send gzip"),
        (BODY, PROTOBUF, {"Content_Encoding": "gzip, gzip"}, 415, "content-encoding"),
        (BODY, PROTOBUF, {"Content_Encoding": "gzip"}, 400, "isn't valid gzip"),
        (gzip.compress(BODY)[:-4], PROTOBUF, {"Content_Encoding": "gzip"}, 400, "cut short"),
        (gzip.compress(bytes(64 << 20)), PROTOBUF, {"Content_Encoding": "gzip"}, 413, "inflates to more than"),
        (bytes((1 << 20) + 1), PROTOBUF, {}, 413, "larger than 1048576 bytes"),
        (request(*[span()] * 1_001).SerializeToString(), PROTOBUF, {}, 413, "1001 spans, a request may hold 1000"),
    ],
)
def test_a_refusal_has_its_code_and_says_why(
    ingester: Ingester, body: bytes, media: str, headers: dict[str, str], status: int, says: str
) -> None:
    heard = ingester.post(body, media, **headers, **KEY)
    assert heard.status == status
    if media == PROTOBUF:
        assert says in Status.FromString(heard.body).message
    else:
        assert says in json.loads(heard.body)["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/traces", 405),
        ("HEAD", "/v1/traces", 405),
        ("PUT", "/v1/traces", 405),
        ("OPTIONS", "/v1/traces", 204),
        ("POST", "/v1/metrics", 404),
        ("POST", "/v1/logs", 404),
        ("POST", "/", 404),
        ("POST", "//v1/traces", 404),
        ("GET", "/metrics", 404),
    ],
)
def test_other_paths_and_methods(ingester: Ingester, method: str, path: str, status: int) -> None:
    connection = HTTPConnection("127.0.0.1", ingester.config.ingest.http_port, timeout=PATIENCE_S)
    connection.request(method, path, b"", {"Content-Type": PROTOBUF})
    response = connection.getresponse()
    body = response.read()
    assert response.status == status
    if status in (204, 405):
        assert response.getheader("allow") == "POST, OPTIONS"
    if path in ("/v1/metrics", "/v1/logs"):
        assert b"only traces are taken" in body
    connection.close()


@pytest.mark.parametrize("media", [PROTOBUF, JSON])
def test_an_empty_request_is_fine(ingester: Ingester, media: str) -> None:
    assert ingester.post(b"" if media == PROTOBUF else b"{}", media, **KEY).status == 200


def test_one_connection_serves_many_requests_and_requests_sent_ahead(ingester: Ingester) -> None:
    plain = head(f"Content-Length: {len(BODY)}") + BODY
    last = head(f"Content-Length: {len(BODY)}", "Connection: close") + BODY
    heard = raw(ingester, plain * 4 + last)
    assert heard.count(b"HTTP/1.1 200 ") == 5


def test_chunked_bodies(ingester: Ingester) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:5], BODY[5:9], BODY[9:]))
    chunked = head("Transfer-Encoding: chunked", "Connection: close")
    assert raw(ingester, chunked + chunks + b"0\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert raw(ingester, chunked + b"zz\r\n").startswith(b"HTTP/1.1 400 ")
    large = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    assert b"HTTP/1.1 413 " in raw(ingester, chunked + large * 17 + b"0\r\n\r\n")


def test_expect_100_continue(ingester: Ingester) -> None:
    with connected(ingester) as connection:
        connection.sendall(head(f"Content-Length: {len(BODY)}", "Expect: 100-continue", "Connection: close"))
        assert connection.recv(1_000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(BODY)
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200 ")


def test_a_large_body_is_refused_before_it_is_sent(ingester: Ingester) -> None:
    heard = raw(ingester, head("Content-Length: 99999999999", "Connection: close"))
    assert heard.startswith(b"HTTP/1.1 413 ")


def test_headers_without_end_are_refused(ingester: Ingester) -> None:
    assert raw(ingester, head("X-Long: " + "x" * 200_000)).startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00junk\r\n\r\n", b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_not_http_is_refused(ingester: Ingester, junk: bytes) -> None:
    heard = raw(ingester, junk)
    assert not heard or heard.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("name", [b"x-tracemill-key", b"Authorization", b"Content-Type", b"Content-Encoding"])
def test_headers_that_are_no_text_are_refused(ingester: Ingester, name: bytes) -> None:
    sent = (
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n"
        + name
        + b": \xff\xfe\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    assert raw(ingester, sent).startswith(b"HTTP/1.1 4")


def test_slow_clients_hold_nothing_for_long(ingester: Ingester) -> None:
    with connected(ingester) as slow_head, connected(ingester) as slow_body:
        slow_head.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n")
        slow_body.sendall(head("Content-Length: 1000000") + b"some")
        assert ingester.post(BODY, **KEY).status == 200
        assert slow_body.recv(1_000).startswith(b"HTTP/1.1 408 ")
        assert slow_head.recv(1_000)[:12] in (b"", b"HTTP/1.1 408")
    eventually(lambda: ingester.metric("tracemill_ingest_in_flight_bytes"), 0)


def test_clients_that_go_away_leave_nothing_behind(ingester: Ingester) -> None:
    for cut in (head("Content-Length: 1000") + b"abc", head("Transfer-Encoding: chunked") + b"5\r\nab", head()[:30]):
        with connected(ingester) as connection:
            connection.sendall(cut)
            time.sleep(0.1)  # so that it is mostly read before the end comes; nothing depends on it
    eventually(lambda: ingester.metric("tracemill_ingest_in_flight_bytes"), 0)
    assert "ERROR" not in ingester.log.read_text()
    assert ingester.post(BODY, **KEY).status == 200


def test_more_than_may_be_in_flight_is_told_to_come_back(ingester: Ingester) -> None:
    with ExitStack() as held:
        heard = ingester.post(BODY, **KEY)
        while heard.status == 200:
            held.enter_context(connected(ingester)).sendall(head("Content-Length: 1048576") + b"x")
            heard = ingester.post(BODY, **KEY)
        assert heard.status == 503
        assert int(heard.headers["retry-after"]) >= 1
        assert "in flight" in Status.FromString(heard.body).message
    eventually(lambda: ingester.post(BODY, **KEY).status, 200)
