"""How do kept traces get to an OTLP endpoint, and what does each of its answers mean?

The specification's retryable answers (429, 502, 503, 504) and any other of the server's faults are tried again, after
`Retry-After` where it is given. An answer that an operator has to mend (401, 403, 404, 405) is tried again too: it says
nothing about the spans. Any other refusal is about the request: it is divided until the record at fault is alone.
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import pyarrow as pa
import urllib3
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from runtime.logs import pairs
from sinks import metrics
from sinks.delivery import Away, DataRefused
from sinks.otlp_encoding import encode
from sinks.records import Piece
from sinks.span_records import SPANS
from tracemill.config import OtlpExporter

LONGEST_RETRY_AFTER_S: Final = 300.0
GZIP_LEVEL: Final = 1
_TO_MEND: Final = frozenset({401, 403, 404, 405})
_LATER: Final = frozenset({408, 429})

_log = logging.getLogger(__name__)


class OtlpEndpoint:
    """An endpoint as a `sinks.delivery.Target`."""

    name = "otlp"
    failures = ("unreachable", "overloaded", "configuration", "schema", "other")

    def __init__(self, config: OtlpExporter) -> None:
        self._config = config
        self._http = urllib3.PoolManager(
            num_pools=1, retries=False, timeout=urllib3.Timeout(config.timeout_ms / 1000), headers=_headers(config)
        )

    def send(self, pieces: Sequence[Piece]) -> int:
        """Post the records' spans.

        Raises:
            Away: try the same spans again later.
            DataRefused: a record can't be decoded, or the endpoint refuses the request for what is in it.
        """
        return sum(self._post(_request(b"".join(body))) for body in SPANS.bodies(pieces))

    def probe(self) -> int:
        """Post a request without spans, which every endpoint takes."""
        return self._post(b"")

    def _post(self, request: bytes) -> int:
        body = gzip.compress(request, GZIP_LEVEL)
        try:
            answer = self._http.request("POST", self._config.url, body=body)
        except urllib3.exceptions.HTTPError as error:
            raise Away("unreachable", f"{self._config.url}: {error}") from error
        if 200 <= answer.status < 300:
            _note_rejected(answer.data)
            return len(body)
        raise refusal(answer.status, answer.headers.get("Retry-After"), answer.data, datetime.now(UTC))


def refusal(status: int, retry_after: str | None, body: bytes, now: datetime) -> Away | DataRefused:
    """What an HTTP status that isn't a success means."""
    text = f"HTTP {status} {body[:200].decode('utf-8', 'replace')!r}"
    if status in _TO_MEND or 300 <= status < 400:
        return Away("configuration", f"{text}: check sinks.otlp_exporter.url and .headers")
    if status in _LATER or status >= 500:
        return Away("overloaded" if status in (429, 503) else "other", text, retry_after_s(retry_after, now))
    return DataRefused(text)


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` asks for (seconds, or an HTTP date), at most five minutes; None if it says none."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else (parsedate_to_datetime(value) - now).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def _headers(config: OtlpExporter) -> dict[str, str]:
    return {**config.headers, "Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}


def _request(body: bytes) -> bytes:
    try:
        return encode(_readable(body))
    except (pa.ArrowException, ValueError, OSError) as error:
        raise DataRefused(f"can't be decoded: {error}") from error


def _readable(body: bytes) -> Any:
    table = pa.ipc.open_stream(body).read_all()
    table.validate(full=True)
    return table


def _note_rejected(body: bytes) -> None:
    """Spans that were taken and thrown away must not be sent again: they are counted, and said once a request."""
    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return
    if partial.rejected_spans:
        metrics.REJECTED_SPANS.inc(partial.rejected_spans)
        _log.warning(pairs("endpoint threw spans away", count=partial.rejected_spans, why=partial.error_message))
