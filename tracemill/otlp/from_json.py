"""What are the protobuf bytes of a request in OTLP/JSON? The same that an SDK sends for the same spans.

So JSON takes the same way as protobuf from here on: the same checks, the same records.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterable
from functools import lru_cache
from struct import Struct
from typing import Final, TypeVar

import msgspec

from tracemill.errors import Malformed, Reason
from tracemill.otlp import json_shapes as shapes
from tracemill.otlp.wire import varint

_T = TypeVar("_T")

_DECODER: Final = msgspec.json.Decoder(shapes.Request)
_FIXED64, _FIXED32, _DOUBLE = Struct("<Q"), Struct("<I"), Struct("<d")
_NOT_FINITE: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_64_BITS: Final = 1 << 64
_SHORT_KEY: Final = 64
_TWO_VALUES: Final = "an attribute's value has more than one of stringValue, boolValue, intValue, …"
_TRUE, _FALSE = b"\x10\x01", b"\x10\x00"


def to_protobuf(body: bytes) -> bytes:
    """An ExportTraceServiceRequest in JSON as protobuf.

    Raises:
        Malformed: it is no JSON, or a field isn't of its type; the text names the field.
    """
    try:
        request = _DECODER.decode(body)
        return _all(b"\x0a", request.resource_spans, _resource_spans)
    except UnicodeError as error:
        raise Malformed(Reason.BAD_ENCODING, "the body holds a text that isn't UTF-8") from error
    except RecursionError as error:
        raise Malformed(Reason.MALFORMED, "resourceSpans: nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(Reason.MALFORMED, f"the body isn't OTLP in JSON: {str(error)[:300]}") from error


def _message(*fields: bytes) -> bytes:
    return b"".join(fields)


def _all(tag: bytes, items: Iterable[_T] | None, write: Callable[[_T], bytes]) -> bytes:
    """A repeated field of messages."""
    parts: list[bytes] = []
    for item in items or ():
        body = write(item)
        parts += (tag, varint(len(body)), body)
    return b"".join(parts)


def _one(tag: bytes, item: _T | None, write: Callable[[_T], bytes]) -> bytes:
    """A field with a message; it is there even where the message is empty."""
    if item is None:
        return b""
    body = write(item)
    return b"".join((tag, varint(len(body)), body))


def _text(tag: bytes, value: str | None) -> bytes:
    if not value:
        return b""
    body = value.encode()
    return b"".join((tag, varint(len(body)), body))


def _hex(tag: bytes, value: str | None, name: str) -> bytes:
    if not value:
        return b""
    try:
        body = binascii.unhexlify(value)
    except ValueError:
        raise ValueError(f"{name} must be hex digits, found {value[:40]!r}") from None
    return b"".join((tag, varint(len(body)), body))


def _number(tag: bytes, value: int | None) -> bytes:
    """A varint; a negative one has ten bytes."""
    return tag + varint(value % _64_BITS) if value else b""


def _time(tag: bytes, value: int | str | None, name: str) -> bytes:
    number = _integer(value, name) if isinstance(value, str) else value
    if not number:
        return b""
    if not 0 <= number < _64_BITS:
        raise ValueError(f"{name} must fit 64 bits without sign, found {str(value)[:40]!r}")
    return tag + _FIXED64.pack(number)


def _integer(value: str, name: str) -> int:
    digits = value[1:] if value.startswith("-") else value
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise ValueError(f"{name} must be a whole number, found {value[:40]!r}")
    return int(value)


def _resource_spans(it: shapes.ResourceSpans) -> bytes:
    return _message(
        _one(b"\x0a", it.resource, _resource),
        _all(b"\x12", it.scope_spans, _scope_spans),
        _text(b"\x1a", it.schema_url),
    )


def _resource(it: shapes.Resource) -> bytes:
    return _message(
        _attributes(b"\x0a", it.attributes),
        _number(b"\x10", it.dropped_attributes_count),
        _all(b"\x1a", it.entity_refs, _entity_ref),
    )


def _entity_ref(it: shapes.EntityRef) -> bytes:
    return _message(
        _text(b"\x0a", it.schema_url),
        _text(b"\x12", it.type),
        _all(b"\x1a", it.id_keys, str.encode),
        _all(b"\x22", it.description_keys, str.encode),
    )


def _scope_spans(it: shapes.ScopeSpans) -> bytes:
    return _message(
        _one(b"\x0a", it.scope, _scope),
        _all(b"\x12", it.spans, _span),
        _text(b"\x1a", it.schema_url),
    )


def _scope(it: shapes.Scope) -> bytes:
    return _message(
        _text(b"\x0a", it.name),
        _text(b"\x12", it.version),
        _attributes(b"\x1a", it.attributes),
        _number(b"\x20", it.dropped_attributes_count),
    )


def _span(it: shapes.Span) -> bytes:
    return _message(
        _hex(b"\x0a", it.trace_id, "traceId"),
        _hex(b"\x12", it.span_id, "spanId"),
        _text(b"\x1a", it.trace_state),
        _hex(b"\x22", it.parent_span_id, "parentSpanId"),
        _text(b"\x2a", it.name),
        _number(b"\x30", it.kind),
        _time(b"\x39", it.start_time_unix_nano, "startTimeUnixNano"),
        _time(b"\x41", it.end_time_unix_nano, "endTimeUnixNano"),
        _attributes(b"\x4a", it.attributes),
        _number(b"\x50", it.dropped_attributes_count),
        _all(b"\x5a", it.events, _event) if it.events else b"",
        _number(b"\x60", it.dropped_events_count),
        _all(b"\x6a", it.links, _link) if it.links else b"",
        _number(b"\x70", it.dropped_links_count),
        _one(b"\x7a", it.status, _status),
        b"\x85\x01" + _FIXED32.pack(it.flags) if it.flags else b"",
    )


def _event(it: shapes.Event) -> bytes:
    return _message(
        _time(b"\x09", it.time_unix_nano, "timeUnixNano"),
        _text(b"\x12", it.name),
        _attributes(b"\x1a", it.attributes),
        _number(b"\x20", it.dropped_attributes_count),
    )


def _link(it: shapes.Link) -> bytes:
    return _message(
        _hex(b"\x0a", it.trace_id, "links.traceId"),
        _hex(b"\x12", it.span_id, "links.spanId"),
        _text(b"\x1a", it.trace_state),
        _attributes(b"\x22", it.attributes),
        _number(b"\x28", it.dropped_attributes_count),
        b"\x35" + _FIXED32.pack(it.flags) if it.flags else b"",
    )


def _status(it: shapes.Status) -> bytes:
    return _text(b"\x12", it.message) + _number(b"\x18", it.code)


def _attributes(tag: bytes, items: Iterable[shapes.KeyValue] | None) -> bytes:
    """A repeated field of attributes, which are most of a request."""
    parts: list[bytes] = []
    for item in items or ():
        key = item.key or ""
        head = _short_key(key) if len(key) <= _SHORT_KEY else _text(b"\x0a", key)
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
    return _text(b"\x0a", key)


def _any_value(it: shapes.AnyValue) -> bytes:
    """A oneof: what is set is written even where it is empty, false or zero."""
    text = it.string_value
    if text is None:
        return _other_value(it)
    if _is_more_set(it):
        raise ValueError(_TWO_VALUES)
    body = text.encode()
    return b"".join((b"\x0a", varint(len(body)), body))


def _is_more_set(it: shapes.AnyValue) -> bool:
    return not (
        it.int_value is None
        and it.bool_value is None
        and it.double_value is None
        and it.array_value is None
        and it.kvlist_value is None
        and it.bytes_value is None
    )


def _other_value(it: shapes.AnyValue) -> bytes:
    written = []
    if it.int_value is not None:
        written.append(b"\x18" + varint(_int64(it.int_value) % _64_BITS))
    if it.bool_value is not None:
        written.append(_TRUE if it.bool_value else _FALSE)
    if it.double_value is not None:
        written.append(b"\x21" + _DOUBLE.pack(_double(it.double_value)))
    if it.array_value is not None:
        written.append(_one(b"\x2a", it.array_value, _array))
    if it.kvlist_value is not None:
        written.append(_one(b"\x32", it.kvlist_value, _kvlist))
    if it.bytes_value is not None:
        body = _base64(it.bytes_value)
        written.append(b"".join((b"\x3a", varint(len(body)), body)))
    if len(written) > 1:
        raise ValueError(_TWO_VALUES)
    return written[0] if written else b""


def _array(it: shapes.ArrayValue) -> bytes:
    return _all(b"\x0a", it.values, _any_value)


def _kvlist(it: shapes.KeyValueList) -> bytes:
    return _attributes(b"\x0a", it.values)


def _int64(value: int | str) -> int:
    number = _integer(value, "intValue") if isinstance(value, str) else value
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"intValue must fit 64 bits, found {str(value)[:40]!r}")
    return number


def _double(value: float | str) -> float:
    if not isinstance(value, str):
        return value
    try:
        return _NOT_FINITE[value] if value in _NOT_FINITE else float(msgspec.json.decode(value, type=float))
    except msgspec.DecodeError:
        raise ValueError(f"doubleValue must be a number, found {value[:40]!r}") from None


def _base64(text: str) -> bytes:
    """Standard or URL-safe, with padding or without."""
    plain = text.rstrip("=").translate(_URL_SAFE)
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        raise ValueError("bytesValue must be base64") from None


_URL_SAFE: Final = str.maketrans("-_", "+/")
