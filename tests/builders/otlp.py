"""OTLP requests for tests: builders with defaults, strategies for any request, and mutations of its bytes."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from google.protobuf import json_format
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status


def trace_id(number: int) -> bytes:
    """A trace id that isn't zero."""
    return (number + 1).to_bytes(16, "big")


def span_id(number: int) -> bytes:
    """A span id that isn't zero."""
    return (number + 1).to_bytes(8, "big")


def span(trace: int = 0, number: int = 0, parent: int | None = None, **more: Any) -> Span:
    """A span; `parent` is the number of its parent."""
    values = {
        "trace_id": trace_id(trace),
        "span_id": span_id(number),
        "parent_span_id": b"" if parent is None else span_id(parent),
        "name": f"span {number}",
        "start_time_unix_nano": 1_700_000_000_000_000_000,
        "end_time_unix_nano": 1_700_000_000_500_000_000,
    }
    return Span(**(values | more))


def text(key: str, value: str) -> KeyValue:
    """An attribute."""
    return KeyValue(key=key, value=AnyValue(string_value=value))


def request(*spans: Span, service: str = "checkout", scope: str = "tests") -> ExportTraceServiceRequest:
    """A request of one resource and one scope."""
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=Resource(attributes=[text("service.name", service)]),
                scope_spans=[ScopeSpans(scope=InstrumentationScope(name=scope), spans=spans)],
            )
        ]
    )


_IDS_IN_JSON = ("traceId", "spanId", "parentSpanId")


def in_json(sent: ExportTraceServiceRequest) -> bytes:
    """OTLP/JSON of a request: protobuf's own, with enums as numbers and ids in hex."""
    return json.dumps(_with_hex(json_format.MessageToDict(sent, use_integers_for_enums=True))).encode()


def _with_hex(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: b64decode(inner).hex() if key in _IDS_IN_JSON else _with_hex(inner) for key, inner in value.items()}


_TEXT = st.text(max_size=12)
_UINT32 = st.integers(0, 2**32 - 1)
_TIME = st.integers(0, 2**64 - 1)
_IDS = st.integers(0, 3).map(trace_id)
_ANY_BYTES = st.binary(max_size=20)

_SCALARS = st.one_of(
    st.just(AnyValue()),
    st.builds(AnyValue, string_value=_TEXT),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, double_value=st.floats()),
    st.builds(AnyValue, bytes_value=_ANY_BYTES),
)


def _nested(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[AnyValue]:
    pairs = st.lists(st.builds(KeyValue, key=_TEXT, value=values), max_size=2)
    return st.one_of(
        st.lists(values, max_size=2).map(lambda items: AnyValue(array_value=ArrayValue(values=items))),
        pairs.map(lambda items: AnyValue(kvlist_value=KeyValueList(values=items))),
    )


_VALUES = st.recursive(_SCALARS, _nested, max_leaves=4)
_ATTRIBUTES = st.lists(st.builds(KeyValue, key=_TEXT, value=_VALUES), max_size=2)
_EVENTS = st.builds(
    Span.Event, time_unix_nano=_TIME, name=_TEXT, attributes=_ATTRIBUTES, dropped_attributes_count=_UINT32
)
_LINKS = st.builds(
    Span.Link,
    trace_id=_ANY_BYTES,
    span_id=_ANY_BYTES,
    trace_state=_TEXT,
    attributes=_ATTRIBUTES,
    dropped_attributes_count=_UINT32,
    flags=_UINT32,
)
_STATUS = st.none() | st.builds(Status, message=_TEXT, code=st.integers(0, 2))
_PARENTS = st.sampled_from([b"", bytes(8), span_id(0), span_id(1)])


def spans(traces: st.SearchStrategy[bytes] = _IDS) -> st.SearchStrategy[Span]:
    """Any span with ids as they should be; `traces` gives the trace id."""
    return st.builds(
        Span,
        trace_id=traces,
        span_id=st.integers(0, 2**32).map(span_id),
        parent_span_id=_PARENTS,
        trace_state=_TEXT,
        flags=_UINT32,
        name=_TEXT,
        kind=st.integers(0, 5),
        start_time_unix_nano=_TIME,
        end_time_unix_nano=_TIME,
        attributes=_ATTRIBUTES,
        dropped_attributes_count=_UINT32,
        events=st.lists(_EVENTS, max_size=1),
        dropped_events_count=_UINT32,
        links=st.lists(_LINKS, max_size=1),
        dropped_links_count=_UINT32,
        status=_STATUS,
    )


_BAD_SPANS = st.builds(
    Span,
    trace_id=st.sampled_from([b"", bytes(16), b"short", trace_id(1), b"x" * 17]),
    span_id=st.sampled_from([b"", bytes(8), b"short", span_id(1), b"x" * 9]),
    parent_span_id=st.sampled_from([b"", b"x", b"x" * 9]),
)
_RESOURCES = st.none() | st.builds(Resource, attributes=_ATTRIBUTES, dropped_attributes_count=_UINT32)
_SCOPES = st.none() | st.builds(InstrumentationScope, name=_TEXT, version=_TEXT, attributes=_ATTRIBUTES)


def requests(bad: bool = True) -> st.SearchStrategy[ExportTraceServiceRequest]:
    """Any request; with `bad`, some spans have ids that aren't taken."""
    one = spans() | _BAD_SPANS if bad else spans()
    scopes = st.builds(ScopeSpans, scope=_SCOPES, spans=st.lists(one, max_size=6), schema_url=_TEXT)
    resources = st.builds(
        ResourceSpans, resource=_RESOURCES, scope_spans=st.lists(scopes, max_size=2), schema_url=_TEXT
    )
    return st.lists(resources, max_size=2).map(lambda items: ExportTraceServiceRequest(resource_spans=items))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A request's bytes, some of them changed, left out, doubled, or replaced by what protobuf finds odd."""
    body = bytearray(draw(requests()).SerializeToString())
    odd = st.sampled_from([b"\x0b\x0c", b"\x03\x04", b"\xa3\x06\x00\x01\xa4\x06", b"\xff", b"\x00", b"\x80\x80\x00"])
    for _ in range(draw(st.integers(1, 3))):
        at, end = sorted(draw(st.tuples(*[st.integers(0, len(body))] * 2)))
        part = draw(odd | st.binary(max_size=4) | st.just(bytes(body[at : at + 12])))
        body[at : draw(st.sampled_from([at, min(at + 1, len(body)), min(end, at + 6)]))] = part
    return bytes(body)
