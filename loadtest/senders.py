"""How does one connection hand a request over, and what did the other side say?"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

TIMEOUT_S: Final = 30.0
GRPC_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
HTTP_PATH: Final = "/v1/traces"
_HTTP_AGAIN: Final = frozenset({429, 502, 503, 504})
_GRPC_AGAIN: Final = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)


class Outcome(Enum):
    """What became of a request."""

    ACKNOWLEDGED = "acknowledged"
    AGAIN = "again"
    REFUSED = "refused"


class Answer(NamedTuple):
    """An outcome, the seconds that the other side asks to wait (None: it didn't say), and its words."""

    outcome: Outcome
    retry_after_s: float | None = None
    text: str = ""


class Connection(Protocol):
    """One connection, one request at a time."""

    def send(self, body: bytes) -> Answer:
        """Send a serialized request and wait for the answer; never raises for what the network does."""

    def close(self) -> None:
        """Close it."""


class HttpConnection:
    """OTLP/HTTP with protobuf over one kept-alive connection."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        self._headers = {"Content-Type": "application/x-protobuf"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def send(self, body: bytes) -> Answer:
        """Send a serialized request and wait for the answer."""
        try:
            self._connection.request("POST", HTTP_PATH, body, self._headers)
            response = self._connection.getresponse()
            return _http_answer(response.status, response.headers.get("Retry-After"), response.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer(Outcome.AGAIN, text=repr(error))

    def close(self) -> None:
        """Close it."""
        self._connection.close()


class GrpcConnection:
    """OTLP/gRPC over a channel of its own."""

    def __init__(self, host: str, port: int, token: str) -> None:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 1_000)]
        self._channel = grpc.insecure_channel(f"{host}:{port}", options=options)
        self._export: Callable[..., Any] = self._channel.unary_unary(GRPC_METHOD)
        self._metadata = [("authorization", f"Bearer {token}")] if token else None

    def send(self, body: bytes) -> Answer:
        """Send a serialized request and wait for the answer."""
        try:
            return _accepted(self._export(body, timeout=TIMEOUT_S, metadata=self._metadata))
        except grpc.RpcError as error:
            return _grpc_answer(error)

    def close(self) -> None:
        """Close it."""
        self._channel.close()


def connector(endpoint: str, protocol: str, token: str = "") -> Callable[[], Connection]:
    """What makes connections to an address such as `http://127.0.0.1:4318`.

    Raises:
        ValueError: the protocol isn't http or grpc, or the address has no host and port or isn't plain http.
    """
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    host, port = parts.hostname, parts.port
    if parts.scheme not in ("", "http") or host is None or port is None:
        raise ValueError(f"endpoint {endpoint!r}: expected http://HOST:PORT")
    match protocol:
        case "http":
            return lambda: HttpConnection(host, port, token)
        case "grpc":
            return lambda: GrpcConnection(host, port, token)
        case _:
            raise ValueError(f"protocol {protocol!r}: expected http or grpc")


def _accepted(body: bytes) -> Answer:
    """A success in full, or one that refused some spans."""
    partial = ExportTraceServiceResponse.FromString(body).partial_success
    if partial.rejected_spans:
        return Answer(Outcome.REFUSED, text=f"{partial.rejected_spans} spans: {partial.error_message}")
    return Answer(Outcome.ACKNOWLEDGED)


def _http_answer(status: int, retry_after: str | None, body: bytes) -> Answer:
    if status == 200:
        return _accepted(body)
    seconds = float(retry_after) if retry_after and retry_after.replace(".", "", 1).isdigit() else None
    outcome = Outcome.AGAIN if status in _HTTP_AGAIN else Outcome.REFUSED
    return Answer(outcome, seconds, f"HTTP {status}: {body[:200]!r}")


def _grpc_answer(error: Any) -> Answer:
    text, hint = f"{error.code().name}: {error.details()}", _retry_info_s(error.trailing_metadata() or ())
    retryable = error.code() in _GRPC_AGAIN
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and hint is None:
        retryable = False
    return Answer(Outcome.AGAIN if retryable else Outcome.REFUSED, hint, text)


def _retry_info_s(metadata: Any) -> float | None:
    for key, value in metadata:
        if key != "grpc-status-details-bin":
            continue
        for detail in Status.FromString(value).details:
            info = RetryInfo()
            if detail.Unpack(info):
                return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    return None
