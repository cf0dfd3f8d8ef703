"""How does OTLP come in over HTTP? A granian RSGI application: hyper speaks HTTP, this reads and answers requests."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from granian.rsgi import ProtocolClosed, ProtocolError

from ingest import answers
from ingest.admission import Reservation
from ingest.answers import JSON, PROTOBUF, Answer
from ingest.counters import Protocol
from ingest.inflate import ENCODINGS
from ingest.intake import Intake
from runtime.logs import pairs
from tracemill.errors import Malformed, Reason, Refused, TooLarge
from tracemill.tenants import AUTHORIZATION, KEY

_LOG = logging.getLogger(__name__)

PATH: Final = "/v1/traces"
BODY_S: Final = 10.0
"""A body that takes longer to come holds memory for nobody's good."""

_MEDIA: Final = {PROTOBUF: Protocol.HTTP_PROTOBUF, JSON: Protocol.HTTP_JSON}
_OPTIONS: Final = Answer(204, [("allow", "POST, OPTIONS")], b"")


class Application:
    """The RSGI application."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        answer = await self._answer(scope, protocol)
        protocol.response_bytes(answer.status, answer.headers, answer.body)

    async def _answer(self, scope: Any, protocol: Any) -> Answer:
        if scope.path != PATH:
            return answers.not_found(scope.path)
        if scope.method != "POST":
            return _OPTIONS if scope.method == "OPTIONS" else answers.method_not_allowed()
        media = _media(scope.headers)
        try:
            return await self._traces(scope.headers, protocol, media)
        except Refused as error:
            self._intake.refused(error, _MEDIA.get(media, Protocol.HTTP_JSON))
            return answers.http_refused(error, media)
        except Exception:
            _LOG.exception(pairs("a request failed", path=PATH, media=media))
            return answers.failed(media)

    async def _traces(self, headers: Any, protocol: Any, media: str) -> Answer:
        tenant = self._intake.tenants.of(headers.get_all(AUTHORIZATION), headers.get_all(KEY))
        if media not in _MEDIA:
            raise Malformed(
                Reason.UNSUPPORTED_MEDIA_TYPE, f"content-type: send {PROTOBUF} or {JSON}, not {media[:80] or 'nothing'}"
            )
        encoding = _encoding(headers)
        size = int(headers.get("content-length", 0))
        limit = self._intake.limits.request_bytes
        if size > limit:
            raise _too_large(limit)
        with self._intake.admission.enter(size) as reservation:
            body = await _read(protocol, size, limit, reservation)
            if encoding:
                body = self._intake.inflate(body, encoding, reservation)
            checked = await self._intake.take(body, tenant, _MEDIA[media])
        return answers.http_accepted(checked, media)


def _media(headers: Any) -> str:
    return str(headers.get("content-type", "")).partition(";")[0].strip().lower()


def _encoding(headers: Any) -> str:
    """The content coding, empty for none."""
    coding = ", ".join(headers.get_all("content-encoding")).strip().lower()
    if coding in ("", "identity"):
        return ""
    if coding not in ENCODINGS:
        raise Malformed(
            Reason.UNSUPPORTED_MEDIA_TYPE, f"content-encoding: send {', '.join(ENCODINGS)} or none, not {coding[:80]}"
        )
    return coding


async def _read(protocol: Any, size: int, limit: int, reservation: Reservation) -> bytes:
    """The body: `size` bytes, already counted, or chunks of unknown number where `size` is 0."""
    try:
        async with asyncio.timeout(BODY_S):
            return await protocol() if size else await _read_chunks(protocol, limit, reservation)
    except TimeoutError:
        raise Malformed(Reason.TOO_SLOW, f"the body didn't come in {BODY_S:.0f} s: send it faster") from None
    except (ProtocolClosed, ProtocolError) as error:
        raise Malformed(Reason.MALFORMED, "the body was cut short") from error


async def _read_chunks(protocol: Any, limit: int, reservation: Reservation) -> bytes:
    """granian ends a body with an empty chunk, and stands another one for the error where it was cut short."""
    chunks, total, empty = [], 0, 0
    async for chunk in protocol:
        total += len(chunk)
        empty += not chunk
        if total > limit:
            raise _too_large(limit)
        reservation.grow(len(chunk))
        chunks.append(chunk)
    if empty > 1:
        raise Malformed(Reason.MALFORMED, "the body was cut short")
    return b"".join(chunks)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(Reason.REQUEST_TOO_LARGE, f"the body is larger than {limit} bytes (limits.request_bytes)")
