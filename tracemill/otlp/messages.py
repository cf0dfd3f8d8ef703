"""Which protobuf messages does the edge read a request with?

All are made from OTLP's own descriptors, so they are wire-compatible with `ExportTraceServiceRequest`. `Shallow`
leaves resources, scopes and spans as the bytes that came. `Thin` has the ids of spans and leaves what is in them
unread. In `Merged` nothing is repeated, and everything is read: it validates (`tracemill.otlp.validate`). In `Parts`
and `InnerParts` nothing but what is counted is repeated, so that protobuf puts that of all spans into one list
(`tracemill.otlp.density`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

_Field = descriptor_pb2.FieldDescriptorProto
_Message = descriptor_pb2.DescriptorProto

_FILES: Final[Any] = (common_pb2, resource_pb2, trace_pb2, trace_service_pb2)
_REQUEST: Final[str] = trace_service_pb2.ExportTraceServiceRequest.DESCRIPTOR.full_name
_OPAQUE: Final = frozenset({("ResourceSpans", "resource"), ("ScopeSpans", "scope"), ("ScopeSpans", "spans")})
_HEADS: Final = frozenset({"resource", "scope"})
_PARTS: Final = frozenset({"attributes", "events", "links"})

Span: Final[Any] = trace_pb2.Span


def _derived(change: Callable[[_Message, _Field], None]) -> Any:
    """The request with every field of every message changed, in a pool of its own."""
    pool = descriptor_pool.DescriptorPool()
    for module in _FILES:
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            _change(message, change)
        pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(_REQUEST))


def _change(message: _Message, change: Callable[[_Message, _Field], None]) -> None:
    for field in message.field:
        change(message, field)
    for nested in message.nested_type:
        _change(nested, change)


def _make_opaque(message: _Message, field: _Field) -> None:
    if (message.name, field.name) in _OPAQUE:
        _make_bytes(field)
        field.label = _Field.LABEL_REPEATED
    elif field.type == _Field.TYPE_STRING:
        _make_bytes(field)


def _make_thin(message: _Message, field: _Field) -> None:
    """What comes again replaces what came, so nothing adds up but the spans."""
    if message.name == "Span" and field.type in (_Field.TYPE_STRING, _Field.TYPE_MESSAGE):
        _make_bytes(field)
        field.label = _Field.LABEL_OPTIONAL
    elif field.name != "spans":
        _make_opaque(message, field)


def _make_bytes(field: _Field) -> None:
    field.type = _Field.TYPE_BYTES
    field.ClearField("type_name")


def _make_single(message: _Message, field: _Field) -> None:
    """Members of a oneof would throw each other away, so they are made independent."""
    field.label = _Field.LABEL_OPTIONAL
    field.ClearField("oneof_index")
    message.ClearField("oneof_decl")


def _make_parts(message: _Message, field: _Field) -> None:
    """Attributes, events and links of all spans, each in one list of bytes."""
    if message.name == "Span" and field.name in _PARTS:
        _make_bytes(field)
    else:
        _make_passed(message, field, message.name == "Span")


def _make_inner_parts(message: _Message, field: _Field) -> None:
    """The attributes of all events, and those of all links."""
    if message.name in ("Event", "Link") and field.name == "attributes":
        _make_bytes(field)
    else:
        _make_passed(message, field, message.name == "Span" and field.name not in ("events", "links"))


def _make_passed(message: _Message, field: _Field, opaque: bool) -> None:
    """What comes again replaces or extends what came; what is `opaque` isn't looked into."""
    if field.type == _Field.TYPE_STRING or (field.type == _Field.TYPE_MESSAGE and (opaque or field.name in _HEADS)):
        _make_bytes(field)
    field.label = _Field.LABEL_OPTIONAL


Shallow: Final = _derived(_make_opaque)
Thin: Final = _derived(_make_thin)
Merged: Final = _derived(_make_single)
Parts: Final = _derived(_make_parts)
InnerParts: Final = _derived(_make_inner_parts)


def _wrapping() -> Any:
    """A message that can hold itself, as a group, and any bytes as a message without fields."""
    file = descriptor_pb2.FileDescriptorProto(name="wrapping.proto", package="tracemill", syntax="proto2")
    file.message_type.add(name="Unknown")
    fields = file.message_type.add(name="Wrapping").field
    fields.add(name="inner", number=1, type=_Field.TYPE_GROUP, type_name=".tracemill.Wrapping")
    fields.add(name="unknown", number=2, type=_Field.TYPE_MESSAGE, type_name=".tracemill.Unknown")
    for field in fields:
        field.label = _Field.LABEL_OPTIONAL
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tracemill.Wrapping"))


Wrapping: Final = _wrapping()
