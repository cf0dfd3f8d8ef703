"""How is a value of OTLP/JSON written as a protobuf field? Nothing is written for what is absent or the default.

A `tag` is the field's tag as it stands on the wire. What isn't of its type raises a ValueError that names it.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterable
from struct import Struct
from typing import Final, TypeVar

import msgspec

from tracemill.otlp.wire import varint

_T = TypeVar("_T")

_FIXED64, _FIXED32, _DOUBLE = Struct("<Q"), Struct("<I"), Struct("<d")
_64_BITS: Final = 1 << 64
_NOT_FINITE: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_URL_SAFE: Final = str.maketrans("-_", "+/")


def message(*fields: bytes) -> bytes:
    """A message of these fields, which are in the order of their numbers."""
    return b"".join(fields)


def repeated(tag: bytes, items: Iterable[_T] | None, write: Callable[[_T], bytes]) -> bytes:
    """A repeated field of messages."""
    parts: list[bytes] = []
    for item in items or ():
        body = write(item)
        parts += (tag, varint(len(body)), body)
    return b"".join(parts)


def single(tag: bytes, item: _T | None, write: Callable[[_T], bytes]) -> bytes:
    """A field with a message; it is there even where the message is empty."""
    if item is None:
        return b""
    body = write(item)
    return b"".join((tag, varint(len(body)), body))


def text(tag: bytes, value: str | None) -> bytes:
    """A text."""
    if not value:
        return b""
    body = value.encode()
    return b"".join((tag, varint(len(body)), body))


def hexed(tag: bytes, value: str | None, name: str) -> bytes:
    """Bytes, given as hex digits of either case."""
    if not value:
        return b""
    try:
        body = binascii.unhexlify(value)
    except ValueError:
        raise ValueError(f"{name} must be hex digits, found {value[:40]!r}") from None
    return b"".join((tag, varint(len(body)), body))


def number(tag: bytes, value: int | None) -> bytes:
    """A varint; a negative one has ten bytes."""
    return tag + varint(value % _64_BITS) if value else b""


def fixed32(tag: bytes, value: int | None) -> bytes:
    """Four bytes."""
    return tag + _FIXED32.pack(value) if value else b""


def time(tag: bytes, value: int | str | None, name: str) -> bytes:
    """Nanoseconds since the epoch in eight bytes, given as a number or as text."""
    number = _integer(value, name) if isinstance(value, str) else value
    if not number:
        return b""
    if not 0 <= number < _64_BITS:
        raise ValueError(f"{name} must fit 64 bits without sign, found {str(value)[:40]!r}")
    return tag + _FIXED64.pack(number)


def int64(value: int | str) -> bytes:
    """A number with sign as a varint, given as a number or as text."""
    number = _integer(value, "intValue") if isinstance(value, str) else value
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"intValue must fit 64 bits, found {str(value)[:40]!r}")
    return varint(number % _64_BITS)


def _integer(value: str, name: str) -> int:
    digits = value[1:] if value.startswith("-") else value
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise ValueError(f"{name} must be a whole number, found {value[:40]!r}")
    return int(value)


def double(value: float | str) -> bytes:
    """A number in eight bytes, given as a number or as text."""
    if not isinstance(value, str):
        return _DOUBLE.pack(value)
    try:
        return _DOUBLE.pack(_NOT_FINITE[value] if value in _NOT_FINITE else msgspec.json.decode(value, type=float))
    except msgspec.DecodeError:
        raise ValueError(f"doubleValue must be a number, found {value[:40]!r}") from None


def base64(text: str) -> bytes:
    """Bytes, given as base64: standard or URL-safe, with padding or without."""
    plain = text.rstrip("=").translate(_URL_SAFE)
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        raise ValueError("bytesValue must be base64") from None
