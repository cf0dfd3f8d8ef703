"""Which shape of OTLP does the columnar decoder see? Wire-compatible messages without recursion.

Arrow has no recursive types, so an attribute's `AnyValue`, an event and a link stay bytes (`tracemill.decode.values`
and `tracemill.decode.events` read them). The joined chunks of a bundle are one `Spans` message.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import ptars
from google.protobuf import descriptor_pb2, descriptor_pool

_Field = descriptor_pb2.FieldDescriptorProto
_BYTES, _TEXT, _INT32 = _Field.TYPE_BYTES, _Field.TYPE_STRING, _Field.TYPE_INT32
_FIXED64 = _Field.TYPE_FIXED64

_PACKAGE: Final = "tracemill.lite"

# name, number, type (a message's name or a scalar), repeated
_MESSAGES: Final[dict[str, tuple[tuple[str, int, str | int, bool], ...]]] = {
    "KeyValue": (("key", 1, _TEXT, False), ("value", 2, _BYTES, False)),
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
        ("events", 11, _BYTES, True),
        ("links", 13, _BYTES, True),
        ("status", 15, "Status", False),
    ),
    "Spans": (("spans", 2, "Span", True),),
    "Event": (("time", 1, _FIXED64, False), ("name", 2, _TEXT, False), ("attributes", 3, "KeyValue", True)),
    "Link": (
        ("trace_id", 1, _BYTES, False),
        ("span_id", 2, _BYTES, False),
        ("trace_state", 3, _TEXT, False),
        ("attributes", 4, "KeyValue", True),
    ),
    "Resource": (("attributes", 1, "KeyValue", True),),
    "Scope": (("name", 1, _TEXT, False), ("version", 2, _TEXT, False), ("attributes", 3, "KeyValue", True)),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="tracemill_lite.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _MESSAGES.items():
        built = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            field = built.field.add(name=name, number=number)
            field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            if isinstance(kind, str):
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                field.type = kind  # type: ignore[assignment]
    return file


@cache
def _handlers() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_file().SerializeToString())
    file = pool.FindFileByName("tracemill_lite.proto")
    handlers = ptars.HandlerPool([file])
    return {name: handlers.get_for_message(file.message_types_by_name[name]) for name in _MESSAGES}


def handler(message: str) -> Any:
    """The columnar reader of a lite message: `list_to_record_batch(list[bytes])`, a `ValueError` on bad input."""
    return _handlers()[message]
