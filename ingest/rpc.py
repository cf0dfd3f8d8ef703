"""How does OTLP come in over gRPC? Requests stay bytes; who may send is settled before a message is read."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from ingest import answers
from ingest.admission import Reservation
from ingest.counters import Protocol
from ingest.intake import Intake
from runtime.logs import pairs
from tracemill.config import Limits
from tracemill.errors import Refused
from tracemill.otlp.check import Checked
from tracemill.tenants import AUTHORIZATION, KEY

_LOG = logging.getLogger(__name__)

EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

_DETAILS: Final = "grpc-status-details-bin"
_CODES: Final = {code.value[0]: code for code in StatusCode}
_UNREAD_BYTES: Final = 64 * 1024
"""Counted for a call whose message isn't there yet: HTTP/2's first window, what a client can send unasked."""
_CALLS: Final = 1_000
"""At once on a connection, further ones wait at the client: each takes 17 KB before a byte of its message has come."""
_HANDSHAKE_MS: Final = 10_000
_MAGIC: Final = {0x1F: "gzip", 0x78: "deflate"}
"""First bytes of what gRPC's codings make. A request begins with 0x0a; 0x1f is no protobuf, 0x78 no field of it."""


def options(limits: Limits) -> list[tuple[str, Any]]:
    """Server options: limits, keep-alive that SDKs may use, connections that move on, messages left compressed.

    gRPC would inflate a message in one go with zlib; here it is done in steps, and three times as fast.
    """
    return [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", limits.request_bytes),
        ("grpc.per_message_decompression", 0),
        ("grpc.max_metadata_size", 16 * 1024),
        ("grpc.max_concurrent_streams", _CALLS),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ("grpc.max_connection_age_ms", 600_000),
        ("grpc.max_connection_age_grace_ms", 30_000),
    ]


class Handler(grpc.GenericRpcHandler):
    """Takes Export of the trace service, and says so where anything else is called."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """The handler of a call, chosen by its method and metadata."""
        if details.method != EXPORT:
            return _refusing(Status(code=StatusCode.UNIMPLEMENTED.value[0], message=f"only traces are taken: {EXPORT}"))
        metadata = details.invocation_metadata
        try:
            tenant = self._intake.tenants.of(_values(metadata, AUTHORIZATION), _values(metadata, KEY))
            self._intake.admission.enter(_UNREAD_BYTES).shrink_to(0)
        except Refused as error:
            self._intake.refused(error, Protocol.GRPC)
            return _refusing(answers.status(error))

        async def export(body: bytes, context: Any) -> bytes:
            return await self._export(body, tenant, context)

        return grpc.unary_unary_rpc_method_handler(export)

    async def _export(self, body: bytes, tenant: str, context: Any) -> bytes:
        try:
            with self._intake.admission.enter(len(body)) as reservation:
                return answers.accepted(await self._take(body, tenant, reservation))
        except Refused as error:
            self._intake.refused(error, Protocol.GRPC)
            await _abort(context, answers.status(error))
        except Exception:
            _LOG.exception(pairs("a call failed", method=EXPORT))
            await context.abort(StatusCode.INTERNAL, "internal error, see the log of the ingester")
        raise AssertionError("abort raises")

    async def _take(self, body: bytes, tenant: str, reservation: Reservation) -> Checked:
        coding = _MAGIC.get(body[0]) if body else None
        if coding is not None:
            body = self._intake.inflate(body, coding, reservation)
        return await self._intake.take(body, tenant, Protocol.GRPC)


def _values(metadata: Any, name: str) -> list[str]:
    return [value for key, value in metadata or () if key == name]


def _refusing(status: Status) -> grpc.RpcMethodHandler:
    """Refuses without reading the message: only a streaming handler is called before that."""

    async def refuse(messages: AsyncIterator[bytes], context: Any) -> bytes:
        await _abort(context, status)
        raise AssertionError("abort raises")

    return grpc.stream_unary_rpc_method_handler(refuse)


async def _abort(context: Any, status: Status) -> None:
    await context.abort(_CODES[status.code], status.message, ((_DETAILS, status.SerializeToString()),))
