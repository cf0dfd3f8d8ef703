"""What clients hear: OTLP's codes and bodies, in the encoding of the request."""

from __future__ import annotations

import json

import pytest
from google.protobuf import json_format
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ingest import answers
from ingest.answers import JSON, PROTOBUF
from tests.builders.otlp import request, span
from tracemill.config import Limits
from tracemill.errors import Busy, Malformed, Reason, Refused, TooLarge, Unauthenticated
from tracemill.otlp.check import check

FULL = check(request(span()).SerializeToString(), Limits())
PARTIAL = check(request(span(), span(trace_id=b"x")).SerializeToString(), Limits())

CASES = [
    (Malformed(Reason.MALFORMED, "bad"), 400, 3, {}),
    (Malformed(Reason.BAD_ENCODING, "bad"), 400, 3, {}),
    (Malformed(Reason.UNSUPPORTED_MEDIA_TYPE, "bad"), 415, 3, {"accept-encoding": "gzip, deflate, zstd"}),
    (Malformed(Reason.TOO_SLOW, "slow"), 408, 3, {"connection": "close"}),
    (TooLarge(Reason.REQUEST_TOO_LARGE, "big"), 413, 8, {}),
    (TooLarge(Reason.TOO_MANY_SPANS, "many"), 413, 8, {}),
    (Unauthenticated(Reason.UNAUTHENTICATED, "who"), 401, 16, {"www-authenticate": 'Bearer realm="tracemill"'}),
    (Busy(Reason.BUSY, "later", 2.5), 503, 14, {"retry-after": "2"}),
    (Busy(Reason.BROKER_AWAY, "later", 0.1), 503, 14, {"retry-after": "1"}),
]


@pytest.mark.parametrize(("error", "http", "grpc", "headers"), CASES)
@pytest.mark.parametrize("media", [PROTOBUF, JSON])
def test_a_refusal_has_its_codes_and_says_why(
    error: Refused, http: int, grpc: int, headers: dict[str, str], media: str
) -> None:
    answer = answers.http_refused(error, media)
    assert answer.status == http
    assert dict(answer.headers)["content-type"] == media
    assert headers.items() <= dict(answer.headers).items()
    if media == JSON:
        assert json.loads(answer.body) == {"code": grpc, "message": str(error)}
    else:
        status = Status.FromString(answer.body)
        assert (status.code, status.message) == (grpc, str(error))


def test_only_who_should_send_again_is_told_when() -> None:
    for error, *_ in CASES:
        details = answers.status(error).details
        assert len(details) == isinstance(error, Busy)
        for detail in details:
            info = RetryInfo()
            assert detail.Unpack(info)
            assert info.retry_delay.ToTimedelta().total_seconds() == error.retry_after_s  # type: ignore[attr-defined]


def test_full_success_is_an_empty_response() -> None:
    assert answers.accepted(FULL) == b""
    assert answers.http_accepted(FULL, PROTOBUF).body == b""
    assert answers.http_accepted(FULL, JSON).body == b"{}"


def test_partial_success_counts_and_names_what_was_refused() -> None:
    response = ExportTraceServiceResponse.FromString(answers.accepted(PARTIAL))
    assert response.partial_success.rejected_spans == 1
    assert "resource_spans[0].scope_spans[0].spans[1]" in response.partial_success.error_message
    in_json = json_format.Parse(answers.http_accepted(PARTIAL, JSON).body, ExportTraceServiceResponse())
    assert in_json == response


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs"])
def test_who_sends_metrics_or_logs_hears_that_only_traces_are_taken(path: str) -> None:
    answer = answers.not_found(path)
    assert answer.status == 404
    assert "only traces are taken" in json.loads(answer.body)["message"]
