"""How do protobuf messages become Arrow columns, and columns messages? By a table of their fields.

A table is wire-compatible with OTLP and says what Arrow can hold: no message may hold itself, so whatever does
(`AnyValue`) is left as bytes or is cut down to what is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import ptars
from google.protobuf import descriptor_pb2, descriptor_pool

_Field = descriptor_pb2.FieldDescriptorProto
BYTES, TEXT, FIXED64 = _Field.TYPE_BYTES, _Field.TYPE_STRING, _Field.TYPE_FIXED64
INT32, INT64, DOUBLE = _Field.TYPE_INT32, _Field.TYPE_INT64, _Field.TYPE_DOUBLE


class Field(NamedTuple):
    """A field of a message: its number, a scalar type or a message's name, and whether it is repeated."""

    number: int
    kind: _Field.Type.ValueType | str
    repeated: bool = False


Message = Mapping[str, Field]
"""Fields by their names."""

Messages = Mapping[str, Message]

OTLP: Final[Messages] = MappingProxyType(
    {
        "KeyValue": {"key": Field(1, TEXT), "value": Field(2, BYTES)},
        "Status": {"message": Field(2, TEXT), "code": Field(3, INT32)},
        "Event": {
            "time": Field(1, FIXED64),
            "name": Field(2, TEXT),
            "attributes": Field(3, "KeyValue", repeated=True),
        },
        "Link": {
            "trace_id": Field(1, BYTES),
            "span_id": Field(2, BYTES),
            "trace_state": Field(3, TEXT),
            "attributes": Field(4, "KeyValue", repeated=True),
        },
        "Span": {
            "trace_id": Field(1, BYTES),
            "span_id": Field(2, BYTES),
            "trace_state": Field(3, TEXT),
            "parent_span_id": Field(4, BYTES),
            "name": Field(5, TEXT),
            "kind": Field(6, INT32),
            "start": Field(7, FIXED64),
            "end": Field(8, FIXED64),
            "attributes": Field(9, "KeyValue", repeated=True),
            "events": Field(11, "Event", repeated=True),
            "links": Field(13, "Link", repeated=True),
            "status": Field(15, "Status"),
        },
    }
)
"""A span and what is in it; an attribute's value as the bytes of its `AnyValue`."""


class Handler:
    """The columnar reader and writer of a message; see ptars."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.schema = inner.schema
        self.record_batch_to_array = inner.record_batch_to_array

    def list_to_record_batch(self, values: list[bytes]) -> Any:
        """A row a message.

        Raises:
            ValueError: one of them can't be read. ptars panics where a length is beyond all memory, and a panic is no
                `Exception`: nobody would catch it.
        """
        try:
            return self._inner.list_to_record_batch(values)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise ValueError(f"not a message: {error}") from error


def handlers(package: str, messages: Messages, choices: frozenset[str] = frozenset()) -> dict[str, Handler]:
    """Columnar readers and writers of `messages`, by their names.

    Each has `list_to_record_batch(list[bytes])`, `schema()`, and `record_batch_to_array(batch)`, whose columns have to
    be those of the schema.

    Args:
        package: a name of its own for these messages.
        messages: their fields, in the order of the columns.
        choices: those of which one field at most is set, so that an empty text isn't the same as none.
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        built = file.message_type.add(name=name)
        if name in choices:
            built.oneof_decl.add(name="choice")
        for field_name, field in fields.items():
            built.field.append(_described(field_name, field, package, name in choices))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindFileByName(file.name)
    made = ptars.HandlerPool([found])
    return {name: Handler(made.get_for_message(found.message_types_by_name[name])) for name in messages}


def _described(name: str, field: Field, package: str, choice: bool) -> _Field:
    label = _Field.LABEL_REPEATED if field.repeated else _Field.LABEL_OPTIONAL
    described = _Field(name=name, number=field.number, label=label)
    if choice:
        described.oneof_index = 0
    if isinstance(field.kind, str):
        described.type, described.type_name = _Field.TYPE_MESSAGE, f".{package}.{field.kind}"
    else:
        described.type = field.kind
    return described
