"""OTLP over gRPC: status codes, details, compression, limits."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from google.rpc.status_pb2 import Status
from grpc import Compression, StatusCode
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ingest.rpc import EXPORT
from tests.builders.ingesting import Ingester, configured, ingesting
from tests.builders.otlp import request, span
from tests.fixtures.waiting import PATIENCE_S, eventually
from tracemill.config import token_hash

pytestmark = pytest.mark.integration

KEY = (("x-tracemill-key", "one"),)
BODY = request(span()).SerializeToString()
LIMITS = {"request_bytes": 1 << 20, "inflated_bytes": 2 << 20, "request_spans": 1_000}


@pytest.fixture(scope="module")
def ingester(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingester]:
    tokens = [{"sha256": token_hash("one"), "tenant": "acme"}]
    with ingesting(configured(kafka, "grpc", LIMITS, tokens=tokens), tmp_path_factory.mktemp("ingest")) as running:
        yield running


@pytest.fixture
def channel(ingester: Ingester) -> Iterator[grpc.Channel]:
    options = [("grpc.max_send_message_length", 1 << 30)]
    with grpc.insecure_channel(f"127.0.0.1:{ingester.config.ingest.grpc_port}", options) as made:
        yield made


def refusal(channel: grpc.Channel, body: bytes, metadata: object = KEY, **more: object) -> grpc.RpcError:
    """The error of a call that is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(more.pop("method", EXPORT))(body, metadata=metadata, timeout=PATIENCE_S, **more)
    return caught.value


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
@pytest.mark.parametrize("metadata", [KEY, (("authorization", "Bearer one"),)])
def test_what_is_sent_is_in_the_log(
    ingester: Ingester, channel: grpc.Channel, compression: Compression, metadata: tuple[tuple[str, str], ...]
) -> None:
    number = 1_000 + 10 * compression.value + len(metadata[0][0])
    sent = [span(trace=number, number=number * 100 + n, name="x" * 300) for n in range(20)]
    body = request(*sent).SerializeToString()
    assert channel.unary_unary(EXPORT)(body, metadata=metadata, compression=compression, timeout=PATIENCE_S) == b""
    found = [one for one in ingester.spans() if one.span.trace_id == sent[0].trace_id]
    assert sorted(one.span.span_id for one in found) == sorted(one.span_id for one in sent)
    assert {one.tenant for one in found} == {"acme"}


def test_partial_success_names_what_was_refused(channel: grpc.Channel) -> None:
    body = request(span(), span(trace_id=b"")).SerializeToString()
    heard = ExportTraceServiceResponse.FromString(channel.unary_unary(EXPORT)(body, metadata=KEY, timeout=PATIENCE_S))
    assert heard.partial_success.rejected_spans == 1
    assert "spans[1]" in heard.partial_success.error_message


def test_an_empty_request_is_fine(channel: grpc.Channel) -> None:
    assert channel.unary_unary(EXPORT)(b"", metadata=KEY, timeout=PATIENCE_S) == b""


@pytest.mark.parametrize(
    "metadata",
    [(), (("x-tracemill-key", "two"),), (*KEY, *KEY), (*KEY, ("authorization", "Bearer one"))],
)
def test_who_shows_no_known_token_is_refused(channel: grpc.Channel, metadata: tuple[tuple[str, str], ...]) -> None:
    error = refusal(channel, BODY, metadata)
    assert error.code() is StatusCode.UNAUTHENTICATED
    assert "token" in error.details()


@pytest.mark.parametrize(
    ("body", "compression", "code", "says"),
    [
        (b"nonsense", None, StatusCode.INVALID_ARGUMENT, "isn't an ExportTraceServiceRequest"),
        (request(*[span()] * 1_001).SerializeToString(), None, StatusCode.RESOURCE_EXHAUSTED, "1001 spans"),
        (bytes(2 << 20), None, StatusCode.RESOURCE_EXHAUSTED, "larger than max"),
        (bytes(200 << 20), Compression.Gzip, StatusCode.RESOURCE_EXHAUSTED, "inflates to more than 2097152"),
        (bytes(200 << 20), Compression.Deflate, StatusCode.RESOURCE_EXHAUSTED, "inflates to more than 2097152"),
    ],
)
def test_a_refusal_has_its_code_and_is_not_to_be_sent_again(
    channel: grpc.Channel, body: bytes, compression: Compression | None, code: StatusCode, says: str
) -> None:
    error = refusal(channel, body, compression=compression)
    assert error.code() is code
    assert says in error.details()
    details = [value for key, value in error.trailing_metadata() or () if key == "grpc-status-details-bin"]
    for detail in details:
        assert Status.FromString(detail).code == code.value[0]
        assert not Status.FromString(detail).details


@pytest.mark.parametrize(
    "method",
    [
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        "/grpc.health.v1.Health/Check",
    ],
)
def test_other_services_are_told_that_only_traces_are_taken(channel: grpc.Channel, method: str) -> None:
    error = refusal(channel, b"", method=method)
    assert error.code() is StatusCode.UNIMPLEMENTED
    assert "only traces are taken" in error.details()


def test_refusals_are_counted_by_reason(ingester: Ingester, channel: grpc.Channel) -> None:
    before = ingester.metric("tracemill_ingest_refused_requests_total", protocol="grpc", reason="malformed")
    refusal(channel, b"nonsense")
    after = ingester.metric("tracemill_ingest_refused_requests_total", protocol="grpc", reason="malformed")
    assert after == before + 1
    eventually(lambda: ingester.metric("tracemill_ingest_in_flight_bytes"), 0)
