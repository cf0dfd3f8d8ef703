"""What does OTLP look like in JSON? Shapes for the decoder; what they refuse is refused with a path.

As the specification says: lowerCamelCase keys only, unknown ones ignored, ids in hex, enums as numbers, 64-bit
numbers as text or numbers. A key that comes twice has the value that came last. `null` is the same as nothing.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

UInt32 = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Int32 = Annotated[int, Meta(ge=-0x80000000, le=0x7FFFFFFF)]


class ArrayValue(Struct, rename="camel", gc=False):
    """Field `values`."""

    values: list[AnyValue] | None = None


class KeyValueList(Struct, rename="camel", gc=False):
    """Field `values`."""

    values: list[KeyValue] | None = None


class AnyValue(Struct, rename="camel", gc=False):
    """At most one of the fields."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: ArrayValue | None = None
    kvlist_value: KeyValueList | None = None
    bytes_value: str | None = None


class KeyValue(Struct, rename="camel", gc=False):
    """An attribute."""

    key: str | None = None
    value: AnyValue | None = None


class Status(Struct, rename="camel", gc=False):
    """A span's status."""

    message: str | None = None
    code: Int32 | None = None


class Event(Struct, rename="camel", gc=False):
    """A span's event."""

    time_unix_nano: int | str | None = None
    name: str | None = None
    attributes: list[KeyValue] | None = None
    dropped_attributes_count: UInt32 | None = None


class Link(Struct, rename="camel", gc=False):
    """A span's link."""

    trace_id: str | None = None
    span_id: str | None = None
    trace_state: str | None = None
    attributes: list[KeyValue] | None = None
    dropped_attributes_count: UInt32 | None = None
    flags: UInt32 | None = None


class Span(Struct, rename="camel", gc=False):
    """A span."""

    trace_id: str | None = None
    span_id: str | None = None
    trace_state: str | None = None
    parent_span_id: str | None = None
    flags: UInt32 | None = None
    name: str | None = None
    kind: Int32 | None = None
    start_time_unix_nano: int | str | None = None
    end_time_unix_nano: int | str | None = None
    attributes: list[KeyValue] | None = None
    dropped_attributes_count: UInt32 | None = None
    events: list[Event] | None = None
    dropped_events_count: UInt32 | None = None
    links: list[Link] | None = None
    dropped_links_count: UInt32 | None = None
    status: Status | None = None


class EntityRef(Struct, rename="camel", gc=False):
    """Which attributes of a resource name an entity."""

    schema_url: str | None = None
    type: str | None = None
    id_keys: list[str] | None = None
    description_keys: list[str] | None = None


class Resource(Struct, rename="camel", gc=False):
    """Who sends."""

    attributes: list[KeyValue] | None = None
    dropped_attributes_count: UInt32 | None = None
    entity_refs: list[EntityRef] | None = None


class Scope(Struct, rename="camel", gc=False):
    """An instrumentation scope."""

    name: str | None = None
    version: str | None = None
    attributes: list[KeyValue] | None = None
    dropped_attributes_count: UInt32 | None = None


class ScopeSpans(Struct, rename="camel", gc=False):
    """The spans of a scope."""

    scope: Scope | None = None
    spans: list[Span] | None = None
    schema_url: str | None = None


class ResourceSpans(Struct, rename="camel", gc=False):
    """The scopes of a resource."""

    resource: Resource | None = None
    scope_spans: list[ScopeSpans] | None = None
    schema_url: str | None = None


class Request(Struct, rename="camel", gc=False):
    """ExportTraceServiceRequest."""

    resource_spans: list[ResourceSpans] | None = None
