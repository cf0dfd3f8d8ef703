"""Bundles from spans given one by one, written with protobuf's own serialiser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tracemill.bundles import TENANT_ATTRIBUTE, Group, pack_index

START_NS = 1_760_000_000_000_000_000


def trace_id(number: int) -> bytes:
    """A trace id that a reader of a failing test recognises."""
    return number.to_bytes(2, "big") * 8


def span_id(number: int) -> bytes:
    """A span id that isn't zero."""
    return (number + 1).to_bytes(8, "big")


def any_value(value: object) -> AnyValue:
    """A Python value as OTLP says it."""
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            result = AnyValue()
            result.array_value.values.extend(any_value(item) for item in value)
            return result
        case dict():
            result = AnyValue()
            result.kvlist_value.values.extend(KeyValue(key=k, value=any_value(v)) for k, v in value.items())
            return result
        case _:
            return AnyValue(string_value=str(value))


@dataclass(frozen=True)
class S:
    """A span: what a test doesn't name has a default."""

    trace: int = 1
    span: int = 0
    parent: int | None = None
    name: str = "step"
    start_ms: int = 0
    duration_ms: int = 10
    error: bool = False
    attributes: dict[str, object] = field(default_factory=dict)
    trace_state: str = ""

    def message(self) -> Span:
        """As OTLP."""
        start = START_NS + self.start_ms * 1_000_000
        span = Span(
            trace_id=trace_id(self.trace),
            span_id=span_id(self.span),
            parent_span_id=b"" if self.parent is None else span_id(self.parent),
            name=self.name,
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=start,
            end_time_unix_nano=start + self.duration_ms * 1_000_000,
            trace_state=self.trace_state,
        )
        span.attributes.extend(KeyValue(key=key, value=any_value(value)) for key, value in self.attributes.items())
        if self.error:
            span.status.code = 2
        return span


def framed(tag: int, body: bytes) -> bytes:
    """A length-delimited field."""
    size, head = len(body), bytearray([tag << 3 | 2])
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    head.append(size)
    return bytes(head) + body


def bundle(
    spans: Sequence[S], tenant: str = "default", resource: dict[str, object] | None = None
) -> tuple[bytes, bytes]:
    """Value and index of a bundle with one group that holds `spans`, those of one trace side by side."""
    sent = Resource(attributes=[KeyValue(key=k, value=any_value(v)) for k, v in (resource or {}).items()])
    stamp = Resource(attributes=[KeyValue(key=TENANT_ATTRIBUTE, value=AnyValue(string_value=tenant))])
    scope = InstrumentationScope(name="tests").SerializeToString()
    sent_bytes, stamp_bytes = sent.SerializeToString(), stamp.SerializeToString()
    scope_spans = framed(1, scope)
    places = []
    for number in dict.fromkeys(span.trace for span in spans):
        mine = [span for span in spans if span.trace == number]
        chunk = b"".join(framed(2, span.message().SerializeToString()) for span in mine)
        root = any(span.parent is None for span in mine)
        begin = len(scope_spans)
        places.append((trace_id(number), begin, begin + len(chunk), len(mine) * 2 + root))
        scope_spans += chunk
    before = framed(1, sent_bytes) + framed(1, stamp_bytes)
    body = before + framed(2, scope_spans)
    value = framed(1, body)
    lead = len(value) - len(body)
    base = len(value) - len(scope_spans)
    resource_start = lead + len(framed(1, sent_bytes)) - len(sent_bytes)
    tenant_end = lead + len(before)
    group = Group(
        (resource_start, resource_start + len(sent_bytes)),
        (tenant_end - len(tenant.encode()), tenant_end),
        (base + 2, base + 2 + len(scope)),
        tuple((number, base + begin, base + end, packed) for number, begin, end, packed in places),
    )
    return value, pack_index([group])
