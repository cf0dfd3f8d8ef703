"""Which shape of OTLP does the columnar encoder write? Wire-compatible messages that Arrow can hold.

Apart from lists and bytes, which the span frame holds as text, it is OTLP's own tree, from `ResourceSpans` down.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import ptars
from google.protobuf import descriptor_pb2, descriptor_pool

_Field = descriptor_pb2.FieldDescriptorProto
_BYTES, _TEXT, _FIXED64 = _Field.TYPE_BYTES, _Field.TYPE_STRING, _Field.TYPE_FIXED64
_INT32, _INT64, _DOUBLE = _Field.TYPE_INT32, _Field.TYPE_INT64, _Field.TYPE_DOUBLE
_PACKAGE: Final = "tracemill.export"

_Fields = tuple[tuple[str, int, str | int, bool], ...]

# name, number, type (a message's name or a scalar), repeated
_MESSAGES: Final[dict[str, _Fields]] = {
    "Value": (
        ("string_value", 1, _TEXT, False),
        ("int_value", 3, _INT64, False),
        ("double_value", 4, _DOUBLE, False),
    ),
    "KeyValue": (("key", 1, _TEXT, False), ("value", 2, "Value", False)),
    "Resource": (("attributes", 1, "KeyValue", True),),
    "Scope": (("name", 1, _TEXT, False), ("version", 2, _TEXT, False)),
    "Event": (("time", 1, _FIXED64, False), ("name", 2, _TEXT, False), ("attributes", 3, "KeyValue", True)),
    "Link": (
        ("trace_id", 1, _BYTES, False),
        ("span_id", 2, _BYTES, False),
        ("trace_state", 3, _TEXT, False),
        ("attributes", 4, "KeyValue", True),
    ),
    "Status": (("message", 2, _TEXT, False), ("code", 3, _INT32, False)),
    "Span": (
        ("trace_id", 1, _BYTES, False),
        ("span_id", 2, _BYTES, False),
        ("trace_state", 3, _TEXT, False),
        ("parent_span_id", 4, _BYTES, False),
        ("name", 5, _TEXT, False),
        ("kind", 6, _INT32, False),
        ("start", 7, _FIXED64, False),
        ("end", 8, _FIXED64, False),
        ("attributes", 9, "KeyValue", True),
        ("events", 11, "Event", True),
        ("links", 13, "Link", True),
        ("status", 15, "Status", False),
    ),
    "ScopeSpans": (("scope", 1, "Scope", False), ("spans", 2, "Span", True)),
    "ResourceSpans": (("resource", 1, "Resource", False), ("scope_spans", 2, "ScopeSpans", True)),
}
_CHOICES: Final = frozenset({"Value"})
"""Messages of which one field at most is set, so that an empty text isn't the same as none."""


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="tracemill_export.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _MESSAGES.items():
        built = file.message_type.add(name=message)
        if message in _CHOICES:
            built.oneof_decl.add(name="choice")
        for name, number, kind, repeated in fields:
            _add_field(built, name, number, kind, repeated)
    return file


def _add_field(message: Any, name: str, number: int, kind: str | int, repeated: bool) -> None:
    field = message.field.add(name=name, number=number)
    field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    if message.oneof_decl:
        field.oneof_index = 0
    if isinstance(kind, str):
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    else:
        field.type = kind


@cache
def handlers() -> dict[str, Any]:
    """By message name, its columnar writer: `schema()` and `record_batch_to_array(batch)`."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_file().SerializeToString())
    file = pool.FindFileByName("tracemill_export.proto")
    made = ptars.HandlerPool([file])
    return {name: made.get_for_message(file.message_types_by_name[name]) for name in ("Resource", "ResourceSpans")}
