"""How do a few protobuf fields look on the wire?"""

from __future__ import annotations

from typing import Final

_SHORT: Final = 1 << 14


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


_VARINTS: Final = tuple(map(_varint, range(_SHORT)))
_SPAN_HEADS: Final = tuple(b"\x12" + size for size in _VARINTS)


def varint(value: int) -> bytes:
    """`value` (not negative) as a protobuf varint."""
    return _VARINTS[value] if value < _SHORT else _varint(value)


def field(number: int, body: bytes) -> bytes:
    """A length-delimited field; `number` is at most 15."""
    return b"".join((bytes((number << 3 | 2,)), varint(len(body)), body))


def span_head(size: int) -> bytes:
    """Tag and length of a span of `size` bytes, as they stand in `ScopeSpans`."""
    return _SPAN_HEADS[size] if size < _SHORT else b"\x12" + _varint(size)
