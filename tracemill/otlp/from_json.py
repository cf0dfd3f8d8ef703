"""What are the protobuf bytes of a request in OTLP/JSON? The same that an SDK sends for the same spans.

So JSON takes the same way as protobuf from here on: the same checks, the same records.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import astuple

from tracemill.errors import Malformed, Reason
from tracemill.otlp import json_shapes as shapes
from tracemill.otlp.json_fields import (
    base64,
    double,
    fixed32,
    hexed,
    int64,
    message,
    number,
    repeated,
    single,
    text,
    time,
)
from tracemill.otlp.wire import varint

_DECODER: Final = msgspec.json.Decoder(shapes.Request)
_SHORT_KEY: Final = 64
_TRUE, _FALSE = b"\x10\x01", b"\x10\x00"


def to_protobuf(body: bytes) -> bytes:
    """An ExportTraceServiceRequest in JSON as protobuf.

    Raises:
        Malformed: it is no JSON, or a field isn't of its type; the text names the field.
    """
    try:
        request = _DECODER.decode(body)
        return repeated(b"\x0a", request.resource_spans, _resource_spans)
    except UnicodeError as error:
        raise Malformed(Reason.BAD_ENCODING, "the body holds a text that isn't UTF-8") from error
    except RecursionError as error:
        raise Malformed(Reason.MALFORMED, "resourceSpans: nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(Reason.MALFORMED, f"the body isn't OTLP in JSON: {str(error)[:300]}") from error


def _resource_spans(it: shapes.ResourceSpans) -> bytes:
    return message(
        single(b"\x0a", it.resource, _resource),
        repeated(b"\x12", it.scope_spans, _scope_spans),
        text(b"\x1a", it.schema_url),
    )


def _resource(it: shapes.Resource) -> bytes:
    return message(
        _attributes(b"\x0a", it.attributes),
        number(b"\x10", it.dropped_attributes_count),
        repeated(b"\x1a", it.entity_refs, _entity_ref),
    )


def _entity_ref(it: shapes.EntityRef) -> bytes:
    return message(
        text(b"\x0a", it.schema_url),
        text(b"\x12", it.type),
        repeated(b"\x1a", it.id_keys, str.encode),
        repeated(b"\x22", it.description_keys, str.encode),
    )


def _scope_spans(it: shapes.ScopeSpans) -> bytes:
    return message(
        single(b"\x0a", it.scope, _scope),
        repeated(b"\x12", it.spans, _span),
        text(b"\x1a", it.schema_url),
    )


def _scope(it: shapes.Scope) -> bytes:
    return message(
        text(b"\x0a", it.name),
        text(b"\x12", it.version),
        _attributes(b"\x1a", it.attributes),
        number(b"\x20", it.dropped_attributes_count),
    )


def _span(it: shapes.Span) -> bytes:
    return message(
        hexed(b"\x0a", it.trace_id, "traceId"),
        hexed(b"\x12", it.span_id, "spanId"),
        text(b"\x1a", it.trace_state),
        hexed(b"\x22", it.parent_span_id, "parentSpanId"),
        text(b"\x2a", it.name),
        number(b"\x30", it.kind),
        time(b"\x39", it.start_time_unix_nano, "startTimeUnixNano"),
        time(b"\x41", it.end_time_unix_nano, "endTimeUnixNano"),
        _attributes(b"\x4a", it.attributes),
        number(b"\x50", it.dropped_attributes_count),
        repeated(b"\x5a", it.events, _event) if it.events else b"",
        number(b"\x60", it.dropped_events_count),
        repeated(b"\x6a", it.links, _link) if it.links else b"",
        number(b"\x70", it.dropped_links_count),
        single(b"\x7a", it.status, _status),
        fixed32(b"\x85\x01", it.flags),
    )


def _event(it: shapes.Event) -> bytes:
    return message(
        time(b"\x09", it.time_unix_nano, "timeUnixNano"),
        text(b"\x12", it.name),
        _attributes(b"\x1a", it.attributes),
        number(b"\x20", it.dropped_attributes_count),
    )


def _link(it: shapes.Link) -> bytes:
    return message(
        hexed(b"\x0a", it.trace_id, "links.traceId"),
        hexed(b"\x12", it.span_id, "links.spanId"),
        text(b"\x1a", it.trace_state),
        _attributes(b"\x22", it.attributes),
        number(b"\x28", it.dropped_attributes_count),
        fixed32(b"\x35", it.flags),
    )


def _status(it: shapes.Status) -> bytes:
    return text(b"\x12", it.message) + number(b"\x18", it.code)


def _attributes(tag: bytes, items: Iterable[shapes.KeyValue] | None) -> bytes:
    """A repeated field of attributes, which are most of a request."""
    parts: list[bytes] = []
    for item in items or ():
        key = item.key or ""
        head = _short_key(key) if len(key) <= _SHORT_KEY else text(b"\x0a", key)
        if item.value is None:
            parts += (tag, varint(len(head)), head)
        else:
            value = _any_value(item.value)
            size = varint(len(value))
            parts += (tag, varint(len(head) + 1 + len(size) + len(value)), head, b"\x12", size, value)
    return b"".join(parts)


@lru_cache(maxsize=4096)
def _short_key(key: str) -> bytes:
    """Keys repeat; short ones are worth remembering."""
    return text(b"\x0a", key)


def _any_value(it: shapes.AnyValue) -> bytes:
    """A oneof: what is set is written even where it is empty, false or zero."""
    fields = astuple(it)
    if fields.count(None) < len(fields) - 1:
        raise ValueError("an attribute's value has more than one of stringValue, boolValue, intValue, …")
    if it.string_value is None:
        return _other_value(it)
    body = it.string_value.encode()
    return b"".join((b"\x0a", varint(len(body)), body))


def _other_value(it: shapes.AnyValue) -> bytes:
    if it.int_value is not None:
        return b"\x18" + int64(it.int_value)
    if it.bool_value is not None:
        return _TRUE if it.bool_value else _FALSE
    if it.double_value is not None:
        return b"\x21" + double(it.double_value)
    if it.array_value is not None:
        return single(b"\x2a", it.array_value, _array)
    if it.kvlist_value is not None:
        return single(b"\x32", it.kvlist_value, _kvlist)
    if it.bytes_value is not None:
        body = base64(it.bytes_value)
        return b"".join((b"\x3a", varint(len(body)), body))
    return b""


def _array(it: shapes.ArrayValue) -> bytes:
    return repeated(b"\x0a", it.values, _any_value)


def _kvlist(it: shapes.KeyValueList) -> bytes:
    return _attributes(b"\x0a", it.values)
