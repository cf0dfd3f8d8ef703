"""What do the ingester's processes count? Every label has a closed set of values, and begins at 0.

A series that appears with its first event has no increase to alert on.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from tracemill.errors import Reason
from tracemill.otlp.check import Checked


class Protocol(StrEnum):
    """How a request came in."""

    HTTP_PROTOBUF = "http_protobuf"
    HTTP_JSON = "http_json"
    GRPC = "grpc"
    KAFKA = "kafka"


ACCEPTED_REQUESTS: Final = Counter(
    "tracemill_ingest_accepted_requests", "Requests answered with success.", ["protocol"]
)
ACCEPTED_SPANS: Final = Counter(
    "tracemill_ingest_accepted_spans", "Spans that the broker has acknowledged.", ["protocol"]
)
ACCEPTED_BYTES: Final = Counter(
    "tracemill_ingest_accepted_bytes", "Bytes of requests answered with success, inflated.", ["protocol"]
)
REFUSED_REQUESTS: Final = Counter(
    "tracemill_ingest_refused_requests", "Requests refused whole.", ["protocol", "reason"]
)
REFUSED_SPANS: Final = Counter(
    "tracemill_ingest_refused_spans", "Spans refused alone, in requests that were accepted.", ["protocol", "reason"]
)
PARTIAL_REQUESTS: Final = Counter(
    "tracemill_ingest_partial_requests", "Accepted requests of which some spans were refused.", ["protocol"]
)
DEAD_LETTERS: Final = Counter(
    "tracemill_ingest_dead_letters", "Records of a Collector that went to dead letters.", ["reason"]
)
IN_FLIGHT_BYTES: Final = Gauge(
    "tracemill_ingest_in_flight_bytes", "Bytes of requests that aren't answered yet.", multiprocess_mode="livesum"
)
KAFKA_AWAY: Final = Gauge(
    "tracemill_ingest_kafka_away",
    "1 while a process refuses everything because Kafka doesn't acknowledge, else 0.",
    multiprocess_mode="livemax",
)
REQUEST_SECONDS: Final = Histogram(
    "tracemill_ingest_request_duration_seconds",
    "Of an accepted request, from its last byte to the acknowledgement of all its spans.",
    ["protocol"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BUNDLE_BYTES: Final = Histogram(
    "tracemill_ingest_bundle_size_bytes",
    "Of a record written to otlp.v1, before compression.",
    buckets=[2**power for power in range(10, 23, 2)],
)
PRODUCE_SECONDS: Final = Histogram(
    "tracemill_ingest_produce_duration_seconds",
    "From handing a record to the producer to its acknowledgement.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

OF_REQUESTS: Final = (
    Reason.MALFORMED,
    Reason.BAD_ENCODING,
    Reason.REQUEST_TOO_LARGE,
    Reason.TOO_MANY_SPANS,
    Reason.UNSUPPORTED_MEDIA_TYPE,
    Reason.TOO_SLOW,
    Reason.UNAUTHENTICATED,
    Reason.BUSY,
    Reason.BROKER_AWAY,
)
"""Why a request is refused whole."""
OF_SPANS: Final = (Reason.BAD_TRACE_ID, Reason.BAD_SPAN_ID, Reason.SPAN_TOO_LARGE)
"""Why a span is refused alone."""
OF_RECORDS: Final = (
    Reason.MALFORMED,
    Reason.BAD_ENCODING,
    Reason.REQUEST_TOO_LARGE,
    Reason.TOO_MANY_SPANS,
    *OF_SPANS,
)
"""Why a Collector's record goes to dead letters, whole or for the spans that were refused."""

for _pair in product(Protocol, OF_REQUESTS):
    REFUSED_REQUESTS.labels(*_pair)
for _pair in product(Protocol, OF_SPANS):
    REFUSED_SPANS.labels(*_pair)
for _reason in OF_RECORDS:
    DEAD_LETTERS.labels(_reason)


class _Way:
    """What is counted of one protocol, looked up once."""

    def __init__(self, protocol: Protocol) -> None:
        self.requests = ACCEPTED_REQUESTS.labels(protocol)
        self.partial = PARTIAL_REQUESTS.labels(protocol)
        self.spans = ACCEPTED_SPANS.labels(protocol)
        self.size = ACCEPTED_BYTES.labels(protocol)
        self.seconds = REQUEST_SECONDS.labels(protocol)


_WAYS: Final = {protocol: _Way(protocol) for protocol in Protocol}


def accepted(protocol: Protocol, checked: Checked, size_bytes: int, took_s: float) -> None:
    """Count a request of which all that `checked` accepted is in the log."""
    way = _WAYS[protocol]
    way.requests.inc()
    way.spans.inc(checked.accepted)
    way.size.inc(size_bytes)
    way.seconds.observe(took_s)
    if checked.refusals.count:
        way.partial.inc()
        for reason, count in checked.refusals.by_reason.items():
            REFUSED_SPANS.labels(protocol, reason).inc(count)
