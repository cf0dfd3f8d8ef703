"""Varints and fields as protobuf's own serialiser writes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

from tracemill.otlp.wire import field, span_head, varint


@given(st.integers(0, 2**64 - 1))
def test_a_varint_is_what_protobuf_writes(value: int) -> None:
    assert b"\x50" + varint(value % 2**32 or 1) == Span(dropped_attributes_count=value % 2**32 or 1).SerializeToString()
    back = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(varint(value)))
    assert back == value


@given(st.integers(0, 40_000))
def test_a_span_head_is_what_protobuf_writes(size: int) -> None:
    name = "x" * size
    one = Span(name=name).SerializeToString()
    assert one == (field(5, name.encode()) if name else b"")
    assert span_head(len(one)) + one == ScopeSpans(spans=[Span(name=name)]).SerializeToString()
