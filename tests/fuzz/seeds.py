"""What do inputs look like to begin with? Spans as SDKs sent them, one a request, some that are rich or odd; rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.builders.bundles import any_value
from tests.builders.otlp import request, span, text
from tests.builders.rich import rich_trace

TESTS: Final = Path(__file__).parent.parent
_LARGEST_BYTES: Final = 4_096


def requests() -> Iterator[ExportTraceServiceRequest]:
    """Small requests: every one fits an input."""
    for whole in (rich_trace(), *_recorded()):
        for alone in _alone(whole):
            if alone.ByteSize() <= _LARGEST_BYTES:
                yield alone
    yield request()
    yield request(span(), span(trace=1, number=1, parent=0), span(number=2, parent=9))
    yield request(span(trace_id=b"short"), span(span_id=bytes(8)), span(parent_span_id=b"x"))
    yield request(_odd())


def rules_files() -> Iterator[str]:
    """Rules files that are right."""
    yield (TESTS.parent / "rules.example.yaml").read_text()
    for path in sorted((TESTS / "behaviour" / "rules").glob("*.yaml")):
        told = yaml.safe_load(path.read_text())
        if "rules" in told:
            yield told["rules"]
    yield "{version: 1, default: {probability: 1}}"


def _recorded() -> Iterator[ExportTraceServiceRequest]:
    for path in sorted((TESTS / "golden" / "otlp").glob("*.binpb")):
        yield ExportTraceServiceRequest.FromString(path.read_bytes())


def _alone(whole: ExportTraceServiceRequest) -> Iterator[ExportTraceServiceRequest]:
    for resource in whole.resource_spans:
        for scope in resource.scope_spans:
            for one in scope.spans:
                alone = ExportTraceServiceRequest()
                made = alone.resource_spans.add(resource=resource.resource, schema_url=resource.schema_url)
                made.scope_spans.add(scope=scope.scope, spans=[one], schema_url=scope.schema_url)
                yield alone


def _odd() -> Span:
    """Every kind of value, deep ones among them; events and links with them; numbers at their ends."""
    deep: Any = "x"
    for _ in range(12):
        deep = [deep]
    values: dict[str, object] = {
        "text": "é🙂",
        "flag": False,
        "whole": -(2**63),
        "number": float("nan"),
        "bytes": b"\x00\xff",
        "list": [1, "a", {"k": [True]}],
        "map": {"": {}, "a": []},
        "deep": deep,
        "empty": "",
    }
    odd = span(
        trace_state="ot=th:8;rv:abcdef01234567,vendor=1",
        flags=2**32 - 1,
        kind=7,
        start_time_unix_nano=2**64 - 1,
        end_time_unix_nano=0,
    )
    for key, value in values.items():
        odd.attributes.add(key=key, value=any_value(value))
    odd.attributes.append(text("text", "again"))
    odd.events.add(time_unix_nano=2**64 - 1, name="exception", attributes=odd.attributes[:4])
    odd.links.add(trace_id=b"x" * 16, span_id=b"y" * 8, trace_state="z", attributes=odd.attributes[4:6])
    odd.status.code, odd.status.message = 2, "failed"
    return odd
