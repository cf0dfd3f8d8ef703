"""What upb says is in a request, against what is checked, cut and bundled of it: accepted or refused, span for span."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, TracesData

from tests.builders.otlp import text
from tracemill import bundles
from tracemill.bundles import TENANT_ATTRIBUTE
from tracemill.config import Limits
from tracemill.decode.spans import decode
from tracemill.otlp.check import check
from tracemill.otlp.density import FEW_PARTS, PART_BYTES
from tracemill.otlp.split import Piece, split
from tracemill.topics import partition_of

PARTITIONS = 3
LIMITS = Limits()

Row = tuple[bytes, bytes, str, str, bytes]


def cut(body: bytes, tenant: str = "acme", piece_bytes: int = 1 << 20, limits: Limits = LIMITS) -> list[Piece]:
    """The pieces of a request."""
    return split(check(body, limits).batches, tenant, PARTITIONS, piece_bytes, 1 << 24)


def records(pieces: list[Piece]) -> Iterator[tuple[int, bytes, bytes]]:
    """Partition, value and index of one bundle a partition."""
    for partition in range(PARTITIONS):
        mine = [piece for piece in pieces if piece.partition == partition]
        value, packed = b"", []
        for piece in mine:
            packed.append(bundles.pack_group(piece.group, len(value)))
            value += b"".join(piece.parts)
        assert len(value) == sum(piece.size for piece in mine)
        yield partition, value, bundles.join_index(packed)


def rows(data: Any) -> list[Row]:
    """Every span with all that belongs to it, sorted; unknown fields count."""
    return sorted(
        (
            plain(resource.resource),
            plain(scope.scope),
            resource.schema_url,
            scope.schema_url,
            plain(one),
        )
        for resource in data.resource_spans
        for scope in resource.scope_spans
        for one in scope.spans
    )


def plain(message: Any) -> bytes:
    """A message's bytes, the same for equal messages."""
    return bytes(message.SerializeToString(deterministic=True))


def is_good(one: Any) -> bool:
    """Whether a span's ids are as they should be."""
    sizes = len(one.trace_id) == 16 and len(one.span_id) == 8 and len(one.parent_span_id) in (0, 8)
    return sizes and any(one.trace_id) and any(one.span_id)


def expected(body: bytes, tenant: str) -> list[Row]:
    """What upb says is in a request, without the spans that aren't taken, with the tenant in each resource."""
    parsed = ExportTraceServiceRequest.FromString(body)
    for resource in parsed.resource_spans:
        resource.resource.attributes.append(text(TENANT_ATTRIBUTE, tenant))
        for scope in resource.scope_spans:
            good = [one for one in scope.spans if is_good(one)]
            del scope.spans[:]
            scope.spans.extend(good)
    return rows(parsed)


def assert_same(body: bytes, tenant: str, piece_bytes: int) -> None:
    """Bundles hold what upb finds, each span in its trace's partition, and the columnar decoder can read them."""
    pieces = cut(body, tenant, piece_bytes)
    found: list[Row] = []
    for partition, value, _ in records(pieces):
        data = TracesData.FromString(value)
        found += rows(data)
        for resource in data.resource_spans:
            assert resource.resource.attributes[-1] == text(TENANT_ATTRIBUTE, tenant)
            for scope in resource.scope_spans:
                assert {partition_of(one.trace_id, PARTITIONS) for one in scope.spans} == {partition}
    assert sorted(found) == expected(body, tenant)


def assert_index(body: bytes, tenant: str, piece_bytes: int) -> None:
    """The index says of each chunk what upb finds there."""
    for _, value, index in records(cut(body, tenant, piece_bytes)):
        groups = list(bundles.read_index(index, len(value)))
        data = TracesData.FromString(value)
        assert len(groups) == len(data.resource_spans)
        for group, resource in zip(groups, data.resource_spans, strict=True):
            (scope,) = resource.scope_spans
            own = Resource.FromString(value[slice(*group.resource)])
            own.attributes.append(text(TENANT_ATTRIBUTE, tenant))
            assert plain(own) == plain(resource.resource)
            assert value[slice(*group.tenant)].decode() == tenant
            assert InstrumentationScope.FromString(value[slice(*group.scope)]) == scope.scope
            chunks = [ScopeSpans.FromString(value[start:end]).spans for _, start, end, _ in group.chunks]
            assert [one for chunk in chunks for one in chunk] == list(scope.spans)
            for (trace, start, end, packed), chunk in zip(group.chunks, chunks, strict=True):
                assert {one.trace_id for one in chunk} == {trace}
                assert packed >> 1 == len(chunk)
                assert decode(value[start:end]).count == len(chunk)
                if piece_bytes == 1 << 20:
                    assert bool(packed & 1) == any(not any(one.parent_span_id) for one in chunk)


def has_group(message: Any, body: bytes) -> bool:
    """Whether a message that upb can read holds a group, outside resources and scopes; by walking the wire."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = body[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(body):
        tag = varint()
        match tag & 7:
            case 0:
                varint()
            case 1:
                at += 8
            case 5:
                at += 4
            case 2:
                size = varint()
                inner = message.fields_by_number.get(tag >> 3)
                part, at = body[at : at + size], at + size
                of_spans = inner is not None and inner.message_type and inner.name not in ("resource", "scope")
                if of_spans and has_group(inner.message_type, part):
                    return True
            case _:
                return True
    return False


def may_be_taken(body: bytes) -> bool:
    """Whether upb can read it, no span holds a group, and what is in spans isn't all but empty.

    The rest of our rules for requests of a few kilobytes refuse single spans only.
    """
    try:
        parsed = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return False
    parts = count_parts(parsed)
    return not has_group(parsed.DESCRIPTOR, body) and (parts <= FEW_PARTS or parts * PART_BYTES <= len(body))


def count_parts(parsed: Any) -> int:
    """The attributes, events and links in spans, and the attributes of those."""
    spans = [span for resource in parsed.resource_spans for scope in resource.scope_spans for span in scope.spans]
    owners = [owner for span in spans for owner in (span, *span.events, *span.links)]
    return sum(len(owner.attributes) for owner in owners) + sum(len(span.events) + len(span.links) for span in spans)
