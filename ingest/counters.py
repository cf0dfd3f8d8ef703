"""What does the ingester count? Every label has a closed set of values."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram


class Protocol(StrEnum):
    """How a request came in."""

    HTTP_PROTOBUF = "http_protobuf"
    HTTP_JSON = "http_json"
    GRPC = "grpc"
    KAFKA = "kafka"


REQUESTS = Counter("tracemill_ingest_requests", "Requests answered with success.", ["protocol"])
SPANS = Counter("tracemill_ingest_spans", "Spans that the broker has acknowledged.", ["protocol"])
BYTES = Counter("tracemill_ingest_bytes", "Bytes of requests answered with success, inflated.", ["protocol"])
REFUSED_REQUESTS = Counter("tracemill_ingest_refused_requests", "Requests refused whole.", ["protocol", "reason"])
REFUSED_SPANS = Counter("tracemill_ingest_refused_spans", "Spans refused alone.", ["protocol", "reason"])
DEAD_LETTERS = Counter("tracemill_ingest_dead_letters", "Kafka records that went to dead letters.", ["reason"])
IN_FLIGHT_BYTES = Gauge(
    "tracemill_ingest_in_flight_bytes", "Bytes of requests that aren't answered yet.", multiprocess_mode="livesum"
)
BUNDLE_BYTES = Histogram(
    "tracemill_ingest_bundle_bytes",
    "Size of a record, before compression.",
    buckets=[2**power for power in range(10, 23)],
)
ACK_SECONDS = Histogram(
    "tracemill_ingest_ack_seconds",
    "From handing a record to the producer to its acknowledgement.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
