"""How is an input changed so that it stays almost what it was? A field of a message, or a value in JSON.

Bytes that change anywhere make the lengths around them wrong, and are refused at once: what lies behind is never tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final, NamedTuple

from tests.fuzz.target import Mutate
from tracemill.otlp.wire import varint

_ODD: Final = (b"\x0b\x0c", b"\x03\x04", b"\x07", b"\x00\x00", b"\xa3\x06\x00\x01\xa4\x06", b"\xfa\x7f\x01\xff")
"""Fields that protobuf finds odd: groups, field 0, wire type 7, a number that nobody knows."""
_NUMBERS: Final = (0, 1, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, "", "x", [], {}, 0, -1, 1.5, 1e308, 2**63, -(2**63), 2**64, float("nan"), float("inf")),
    *("18446744073709551615", "-9223372036854775808", "NaN", "1e5", "\ud800", "\0", "0" * 32, "AB" * 16, "_-8=", "🙂"),
)
_DEPTH: Final = 12


class Field(NamedTuple):
    """A field as it stands on the wire: its tag as a number, and what follows (without the length, if it has one)."""

    tag: int
    body: bytes

    def framed(self) -> bytes:
        """Its bytes."""
        return varint(self.tag) + (varint(len(self.body)) if self.tag & 7 == 2 else b"") + self.body


def change_protobuf(data: bytes, dice: Random, mutate: Mutate, depth: int = 0) -> bytes:
    """A message with one of its fields changed, at some level; any bytes where it is no message."""
    fields = read_fields(data)
    if not fields:
        return mutate(data)
    place = dice.randrange(len(fields))
    chosen = fields[place]
    if chosen.tag & 7 == 2 and dice.random() < 0.8:
        inner = change_protobuf if depth < _DEPTH and dice.random() < 0.9 else _plain
        fields[place] = Field(chosen.tag, inner(chosen.body, dice, mutate, depth + 1))
    else:
        fields[place : place + 1] = dice.choice(_CHANGES)(chosen, dice, mutate)
    if dice.random() < 0.1:
        dice.shuffle(fields)
    odd = dice.choice(_ODD) if dice.random() < 0.05 else b""
    return b"".join([field.framed() for field in fields]) + odd


def read_fields(data: bytes) -> list[Field]:
    """The fields of a message; none where it isn't one."""
    fields, at = [], 0
    while at < len(data):
        tag, at = _varint(data, at)
        start, end = at, at + {1: 8, 5: 4}.get(tag & 7, len(data))
        if tag & 7 == 0:
            _, end = _varint(data, at)
        elif tag & 7 == 2:
            size, start = _varint(data, at)
            end = start + size
        if end > len(data) or start > end:
            return []
        fields.append(Field(tag, data[start:end]))
        at = end
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + 10]):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    return 7, len(data) + 1


def _plain(data: bytes, _: Random, mutate: Mutate, __: int) -> bytes:
    return mutate(data)


def _another_number(field: Field, dice: Random, mutate: Mutate) -> list[Field]:
    match field.tag & 7:
        case 0:
            return [Field(field.tag, varint(dice.choice(_NUMBERS)))]
        case 1 | 5:
            size = len(field.body)
            return [Field(field.tag, (dice.choice(_NUMBERS) % 256**size).to_bytes(size, "little"))]
        case _:
            return [Field(field.tag, mutate(field.body))]


_CHANGES: Final[tuple[Callable[[Field, Random, Mutate], list[Field]], ...]] = (
    _another_number,
    lambda _, __, ___: [],
    lambda field, _, __: [field, field],
    lambda field, dice, _: [Field(dice.randrange(1, 18) << 3 | field.tag & 7, field.body)],
    lambda field, dice, _: [Field(field.tag & ~7 | dice.choice((0, 1, 2, 5)), field.body)],
    lambda field, _, mutate: [field, Field(field.tag, mutate(field.body))],
)


def change_json(data: bytes, dice: Random, mutate: Mutate) -> bytes:
    """A JSON text with one of its values changed; any bytes where it is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return mutate(data)
    return json.dumps(_changed(value, dice, mutate), ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")


def _changed(value: Any, dice: Random, mutate: Mutate) -> Any:
    if not isinstance(value, list | dict) or not value or dice.random() < 0.1:
        return _other(value, dice, mutate)
    if isinstance(value, list):
        place = dice.randrange(len(value))
        return [*value[:place], *_in_its_place(value[place], dice, mutate), *value[place + 1 :]]
    key = dice.choice(list(value))
    inner = {key: _changed(value[key], dice, mutate)} if dice.random() < 0.9 else {}
    return {other: it for other, it in value.items() if other != key} | inner


def _in_its_place(value: Any, dice: Random, mutate: Mutate) -> list[Any]:
    roll = dice.random()
    if roll < 0.1:
        return [] if roll < 0.05 else [value, value]
    return [_changed(value, dice, mutate)]


def _other(value: Any, dice: Random, mutate: Mutate) -> Any:
    if isinstance(value, str) and dice.random() < 0.5:
        return mutate(value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    return dice.choice([*_VALUES, [value], {"stringValue": value}, [[[[value]]]]])
