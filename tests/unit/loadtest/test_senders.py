"""What a receiver says is understood, over both protocols, from real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from loadtest.senders import Answer, GrpcConnection, HttpConnection, Outcome, connector
from tests.builders.receivers import GrpcReceiver, HttpReceiver, Reply
from tests.fixtures.ports import own_port

PARTIAL = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=2, error_message="bad_span_id")
).SerializeToString()


@pytest.fixture
def http() -> Iterator[HttpReceiver]:
    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def rpc() -> Iterator[GrpcReceiver]:
    with GrpcReceiver() as receiver:
        yield receiver


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(200), (Outcome.ACKNOWLEDGED, None)),
        (Reply(200, body=PARTIAL), (Outcome.REFUSED, None)),
        (Reply(503, {"Retry-After": "3"}), (Outcome.AGAIN, 3.0)),
        (Reply(503, {"Retry-After": "0.25"}), (Outcome.AGAIN, 0.25)),
        (Reply(429), (Outcome.AGAIN, None)),
        (Reply(503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), (Outcome.AGAIN, None)),
        (Reply(400), (Outcome.REFUSED, None)),
        (Reply(413), (Outcome.REFUSED, None)),
    ],
)
def test_http_answers(http: HttpReceiver, reply: Reply, expected: tuple[Outcome, float | None]) -> None:
    http.replies.append(reply)
    connection = HttpConnection("127.0.0.1", http.port, "secret")
    answer = connection.send(b"abc")
    connection.close()
    assert answer[:2] == expected
    assert http.bodies == [b"abc"]
    assert http.headers[0]["Authorization"] == "Bearer secret"
    assert http.headers[0]["Content-Type"] == "application/x-protobuf"


def test_http_keeps_its_connection_and_makes_a_new_one_after_a_broken_one(http: HttpReceiver) -> None:
    http.replies += [Reply(200), Reply(200), Reply(0), Reply(200)]
    connection = HttpConnection("127.0.0.1", http.port, "")
    outcomes = [connection.send(b"x").outcome for _ in range(4)]
    connection.close()
    assert outcomes == [Outcome.ACKNOWLEDGED, Outcome.ACKNOWLEDGED, Outcome.AGAIN, Outcome.ACKNOWLEDGED]
    assert http.accepted == 2


def _status(code: grpc.StatusCode, retry_s: float | None) -> Reply:
    details = []
    if retry_s is not None:
        packed = AnyMessage()
        packed.Pack(RetryInfo(retry_delay=Duration(nanos=int(retry_s * 1e9))))
        details.append(packed)
    status = Status(code=code.value[0], message="told so", details=details)
    return Reply(code.value[0], {"grpc-status-details-bin": status.SerializeToString()})


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(0), (Outcome.ACKNOWLEDGED, None)),
        (Reply(0, body=PARTIAL), (Outcome.REFUSED, None)),
        (Reply(14), (Outcome.AGAIN, None)),
        (_status(grpc.StatusCode.UNAVAILABLE, 0.25), (Outcome.AGAIN, 0.25)),
        (_status(grpc.StatusCode.RESOURCE_EXHAUSTED, 0.5), (Outcome.AGAIN, 0.5)),
        (Reply(8), (Outcome.REFUSED, None)),
        (Reply(3), (Outcome.REFUSED, None)),
        (Reply(16), (Outcome.REFUSED, None)),
    ],
)
def test_grpc_answers(rpc: GrpcReceiver, reply: Reply, expected: tuple[Outcome, float | None]) -> None:
    rpc.replies.append(reply)
    connection = GrpcConnection("127.0.0.1", rpc.port, "secret")
    answer = connection.send(b"abc")
    connection.close()
    assert answer[:2] == expected
    assert rpc.bodies == [b"abc"]
    assert rpc.headers[0]["authorization"] == "Bearer secret"


@pytest.mark.parametrize("make", [HttpConnection, GrpcConnection])
def test_a_receiver_that_is_away_is_asked_again(make: Callable[[str, int, str], HttpConnection]) -> None:
    connection = make("127.0.0.1", own_port(), "")
    answer = connection.send(b"abc")
    connection.close()
    assert isinstance(answer, Answer)
    assert answer.outcome is Outcome.AGAIN


@pytest.mark.parametrize(
    ("endpoint", "protocol", "word"),
    [("https://127.0.0.1:4318", "http", "https"), ("http://127.0.0.1", "http", "HOST:PORT"), ("a:1", "udp", "'udp'")],
)
def test_addresses_that_can_not_be_used_are_refused_by_name(endpoint: str, protocol: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        connector(endpoint, protocol)
