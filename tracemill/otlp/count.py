"""How many pieces has a large request, before any memory is spent on them?

A parser takes many times an empty field's two bytes, and of JSON `{}`, so what is large is counted first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tracemill.errors import Malformed, Reason, TooLarge

_PER_SPAN: Final = 4
"""Fields of the three outer levels a span, at most: itself, and a scope, a resource and a group of its own."""
_OBJECTS_PER_SPAN: Final = 20
"""A span with nine attributes; half a gigabyte for the largest request by default."""
_OPENINGS: Final = (b'{"', b"{}", b"{ ", b"{\n", b"{\r", b"{\t")
"""How an object begins. Text rarely holds one of them: a quote or a new line has a backslash there."""


def refuse_too_many(body: bytes, spans: int) -> None:
    """Count the fields of Request, ResourceSpans and ScopeSpans.

    Raises:
        TooLarge: there are more than a request of `spans` spans can have.
        Malformed: the outer levels can't be read.
    """
    left = spans * _PER_SPAN
    for _ in _fields(body, 0, len(body), 3):
        left -= 1
        if left < 0:
            raise TooLarge(Reason.TOO_MANY_SPANS, f"resource_spans: too many parts, a request may hold {spans} spans")


def refuse_too_many_objects(body: bytes, spans: int) -> None:
    """Count the objects of a JSON text, and what looks like one in its strings.

    Raises:
        TooLarge: there are more than a request of `spans` spans can have.
    """
    most = spans * _OBJECTS_PER_SPAN
    if body.count(b"{") > most and (objects := sum(map(body.count, _OPENINGS))) > most:
        raise TooLarge(
            Reason.TOO_MANY_SPANS, f"resourceSpans: {objects} objects, a request may hold {most}: send fewer spans"
        )


def _fields(body: bytes, start: int, end: int, levels: int) -> Iterator[None]:
    """One None a field of the outermost `levels` levels of messages."""
    inner = {3: 0x0A, 2: 0x12}.get(levels)
    while start < end:
        yield
        tag, start = _varint(body, start, end)
        match tag & 7:
            case 0:
                _, start = _varint(body, start, end)
            case 1:
                start += 8
            case 5:
                start += 4
            case 2:
                size, start = _varint(body, start, end)
                if start + size > end:
                    raise _cut_short()
                if tag == inner:
                    yield from _fields(body, start, start + size, levels - 1)
                start += size
            case _:
                raise Malformed(Reason.MALFORMED, "resource_spans: a protobuf group, which OTLP doesn't have")


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 64:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise _cut_short()


def _cut_short() -> Malformed:
    return Malformed(Reason.MALFORMED, "the body isn't an ExportTraceServiceRequest: it is cut short or no protobuf")
