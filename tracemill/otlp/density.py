"""How much more than its bytes does a request take once it is decoded? Refused where it is many times as much.

A decoded attribute, event or link takes some 80 bytes beside its content. What an SDK writes is rarely shorter, but an
empty one has two bytes: a few megabytes of them take gigabytes. And each span is stored with its resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from tracemill.errors import Reason, TooLarge
from tracemill.otlp.messages import InnerParts, Parts
from tracemill.otlp.wire import span_head, varint

PART_BYTES: Final = 8
"""Of each attribute, event and link on average, at least: the shortest attribute that says anything has nine."""
FEW_PARTS: Final = 64
"""May be shorter."""
WHOLE_BYTES: Final = 1024 * 1024
"""Of a request that is looked at as it came: what is counted takes eight times the bytes of what is empty."""
PIECE_BYTES: Final = 128 * 1024
"""Of a larger one at once: so much fits a processor's cache."""
STORED_BYTES: Final = 64 * 1024 * 1024
"""What the resources of a request may take once each stands with each of its spans."""


def refuse_too_dense(body: bytes, shallow: Any) -> None:
    """Count the attributes, events and links in spans; `body` was validated, and `shallow` is read from it.

    Raises:
        TooLarge: they are shorter than any that says something.
    """
    for piece in [body] if len(body) <= WHOLE_BYTES else _pieces(shallow):
        parts = _parts(piece)
        if parts > FEW_PARTS and parts * PART_BYTES > len(piece):
            raise TooLarge(
                Reason.TOO_MANY_SPANS,
                f"resource_spans: {parts} attributes, events and links in {len(piece)} bytes; on average each must "
                f"have {PART_BYTES} bytes: don't send empty ones",
            )


def refuse_too_much_repeated(heads: Iterable[tuple[int, int]]) -> None:
    """Add up what is repeated: pairs of the bytes of a resource with its scope, and its number of spans.

    Raises:
        TooLarge: more than `STORED_BYTES`.
    """
    stored = sum(size * spans for size, spans in heads)
    if stored > STORED_BYTES:
        raise TooLarge(
            Reason.REQUEST_TOO_LARGE,
            f"resource_spans: each span is stored with its resource and scope, {stored} bytes in all, at most "
            f"{STORED_BYTES}: send fewer spans a request or smaller resources",
        )


def _parts(piece: bytes) -> int:
    """Exact where there are too many; at most as many as there are where it is certain that there are not."""
    span = Parts.FromString(piece).resource_spans.scope_spans.spans
    outer = len(span.attributes) + len(span.events) + len(span.links)
    inside = sum(map(len, span.events)) + sum(map(len, span.links))
    if (outer + inside // 2) * PART_BYTES <= len(piece):
        return outer
    inner = InnerParts.FromString(piece).resource_spans.scope_spans.spans
    return outer + len(inner.events.attributes) + len(inner.links.attributes)


def _pieces(shallow: Any) -> Iterator[bytes]:
    """Requests of some spans each, as many as fit a piece; at least one."""
    framed: list[bytes] = []
    size = 0
    for span in (span for resource in shallow.resource_spans for scope in resource.scope_spans for span in scope.spans):
        if framed and size + len(span) > PIECE_BYTES:
            yield _request(framed)
            framed, size = [], 0
        framed += (span_head(len(span)), span)
        size += len(span)
    yield _request(framed)


def _request(framed: list[bytes]) -> bytes:
    """One of one scope, copied once."""
    size = sum(map(len, framed))
    scope = b"\x12" + varint(size)
    return b"".join((b"\x0a", varint(len(scope) + size), scope, *framed))
