"""Real SDK exporters, over every protocol and compression: what they send is in the log, once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, StatusCode

from ingest.rpc import EXPORT
from tests.builders.ingesting import Ingester, configured, ingesting
from tests.builders.otlp import in_json, request, span, text
from tests.fixtures.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def ingester(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingester]:
    with ingesting(configured(kafka, "sdk"), tmp_path_factory.mktemp("ingest")) as running:
        yield running


def recorded() -> list[ReadableSpan]:
    """Spans as an instrumented program makes them."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("tests", "1.0")
    with tracer.start_as_current_span("agent") as root:
        root.set_attributes({"text": "öl", "number": 7, "share": 0.5, "yes": True, "list": ["a", "b"]})
        for number in range(5):
            with tracer.start_as_current_span(f"step {number}", links=[Link(root.get_span_context())]) as step:
                step.add_event("cache.miss", {"key": number})
                step.set_status(StatusCode.ERROR, "failed")
    provider.shutdown()
    return list(kept.get_finished_spans())


def exporter(kind: str, ingester: Ingester) -> Any:
    url = ingester.url(ingester.config.ingest.http_port, "/v1/traces")
    address = f"127.0.0.1:{ingester.config.ingest.grpc_port}"
    match kind:
        case "http":
            return HttpExporter(endpoint=url, timeout=PATIENCE_S, compression=Compression.NoCompression)
        case "http gzip":
            return HttpExporter(endpoint=url, timeout=PATIENCE_S, compression=Compression.Gzip)
        case "http deflate":
            return HttpExporter(endpoint=url, timeout=PATIENCE_S, compression=Compression.Deflate)
        case "grpc":
            return GrpcExporter(endpoint=address, insecure=True, timeout=PATIENCE_S)
        case _:
            return GrpcExporter(endpoint=address, insecure=True, timeout=PATIENCE_S, compression=grpc.Compression.Gzip)


@pytest.mark.parametrize("kind", ["http", "http gzip", "http deflate", "grpc", "grpc gzip"])
def test_what_an_sdk_exports_is_in_the_log(kind: str, ingester: Ingester) -> None:
    spans = recorded()
    sender = exporter(kind, ingester)
    assert sender.export(spans) is SpanExportResult.SUCCESS
    sender.shutdown()
    wanted = {one.context.span_id.to_bytes(8, "big"): one for one in spans if one.context}
    found = [one for one in ingester.spans() if one.span.span_id in wanted]
    assert len(found) == len(spans)
    for one in found:
        sent = wanted[one.span.span_id]
        assert one.tenant == "default"
        assert one.span.name == sent.name
        assert one.span.start_time_unix_nano == sent.start_time
        assert len(one.span.events) == len(sent.events)


def test_the_same_request_gives_the_same_spans_whichever_way_it_comes(ingester: Ingester) -> None:
    ways = ("protobuf", "json", "grpc")
    for number, way in enumerate(ways):
        marked = text("way", way)
        sent = request(*[span(trace=900, number=100 * number + n, parent=1, attributes=[marked]) for n in range(3)])
        match way:
            case "protobuf":
                assert ingester.post(sent.SerializeToString())[::2] == (200, b"")
            case "json":
                assert ingester.post(in_json(sent), "application/json; charset=utf-8")[::2] == (200, b"{}")
            case _:
                with grpc.insecure_channel(f"127.0.0.1:{ingester.config.ingest.grpc_port}") as channel:
                    assert channel.unary_unary(EXPORT)(sent.SerializeToString(), timeout=PATIENCE_S) == b""
    found = [one for one in ingester.spans() if one.span.trace_id == span(trace=900).trace_id]
    by_way: dict[str, list[bytes]] = {way: [] for way in ways}
    for one in found:
        way = one.span.attributes[0].value.string_value
        del one.span.attributes[:]
        one.span.name, one.span.span_id = "", b""
        by_way[way].append(one.span.SerializeToString(deterministic=True))
    assert len(by_way["json"]) == 3
    assert by_way["protobuf"] == by_way["json"] == by_way["grpc"]
    for protocol in ("http_protobuf", "http_json", "grpc"):
        assert ingester.metric("tracemill_ingest_accepted_spans_total", protocol=protocol) >= 3
    eventually(lambda: ingester.metric("tracemill_ingest_in_flight_bytes"), 0)
    assert ingester.metric("tracemill_ingest_bundle_size_bytes_count") > 0


def test_the_log_file_says_nothing_of_single_requests(ingester: Ingester) -> None:
    before = ingester.log.read_text().splitlines()
    for _ in range(20):
        ingester.post(request(span()).SerializeToString())
    after = ingester.log.read_text().splitlines()
    assert len(after) - len(before) < 20, after
