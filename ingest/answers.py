"""What does a client hear? OTLP's responses and errors, in the encoding of the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tracemill.errors import Busy, Malformed, Reason, Refused, TooLarge, Unauthenticated
from tracemill.otlp.check import Checked

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_INVALID_ARGUMENT, _UNIMPLEMENTED, _INTERNAL, _UNAVAILABLE, _UNAUTHENTICATED = 3, 12, 13, 14, 16
_RESOURCE_EXHAUSTED: Final = 8

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Headers
    body: bytes


def accepted(checked: Checked) -> bytes:
    """The serialized ExportTraceServiceResponse; empty on full success."""
    return _response(checked).SerializeToString() if checked.refusals.count else b""


def http_accepted(checked: Checked, media: str) -> Answer:
    """200, with a partial success if spans were refused."""
    if media == PROTOBUF:
        return Answer(200, [("content-type", PROTOBUF)], accepted(checked))
    if not checked.refusals.count:
        return Answer(200, [("content-type", JSON)], b"{}")
    # 64-bit numbers are text in protobuf's JSON.
    partial = {"rejectedSpans": str(checked.refusals.count), "errorMessage": checked.refusals.text}
    return Answer(200, [("content-type", JSON)], orjson.dumps({"partialSuccess": partial}))


def _response(checked: Checked) -> Any:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = checked.refusals.count
    response.partial_success.error_message = checked.refusals.text
    return response


def grpc_code(error: Refused) -> int:
    """The gRPC status code of a refusal."""
    match error:
        case Unauthenticated():
            return _UNAUTHENTICATED
        case TooLarge():
            return _RESOURCE_EXHAUSTED
        case Busy():
            return _UNAVAILABLE
        case _:
            return _INVALID_ARGUMENT


def status(error: Refused) -> Status:
    """google.rpc.Status of a refusal; with RetryInfo where the client should send again."""
    built = Status(code=grpc_code(error), message=str(error))
    if isinstance(error, Busy):
        delay = Duration(seconds=int(error.retry_after_s), nanos=int(error.retry_after_s % 1 * 1e9))
        packed = AnyMessage()
        packed.Pack(RetryInfo(retry_delay=delay))
        built.details.append(packed)
    return built


def http_refused(error: Refused, media: str) -> Answer:
    """The response to a refused request."""
    extra: Headers = []
    match error:
        case Unauthenticated():
            code, extra = 401, [("www-authenticate", 'Bearer realm="tracemill"')]
        case Busy():
            code, extra = 503, [("retry-after", str(max(1, round(error.retry_after_s))))]
        case TooLarge():
            code = 413
        case Malformed(reason=Reason.TOO_SLOW):
            code, extra = 408, [("connection", "close")]
        case Malformed(reason=Reason.UNSUPPORTED_MEDIA_TYPE):
            code, extra = 415, [("accept", f"{PROTOBUF}, {JSON}"), ("accept-encoding", "gzip, deflate, zstd")]
        case _:
            code = 400
    return http_status(code, status(error), media, extra)


def http_status(code: int, message: Status, media: str, extra: Headers) -> Answer:
    """A response whose body is a google.rpc.Status."""
    if media == PROTOBUF:
        return Answer(code, [("content-type", PROTOBUF), *extra], message.SerializeToString())
    body = orjson.dumps({"code": message.code, "message": message.message})
    return Answer(code, [("content-type", JSON), *extra], body)


def not_found(path: str) -> Answer:
    """404 that says what there is."""
    if path in ("/v1/metrics", "/v1/logs", "/v1development/profiles"):
        text = f"{path}: only traces are taken here, on /v1/traces; send metrics and logs elsewhere"
    else:
        text = "not found: traces are taken on /v1/traces"
    return http_status(404, Status(code=_UNIMPLEMENTED, message=text), JSON, [])


def method_not_allowed() -> Answer:
    """405 that says what is."""
    text = "/v1/traces takes POST"
    return http_status(405, Status(code=_UNIMPLEMENTED, message=text), JSON, [("allow", "POST, OPTIONS")])


def failed(media: str) -> Answer:
    """500: our mistake."""
    return http_status(500, Status(code=_INTERNAL, message="internal error, see the log of the ingester"), media, [])
