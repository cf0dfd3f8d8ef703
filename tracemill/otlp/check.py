"""Which spans of a request are taken, and which are refused, why? Nothing of a request is used before all is checked.

One parse validates (`tracemill.otlp.validate`), one reads the ids, one the bytes of the spans. All read the same bytes
with the same rules, so spans stand in the same order in each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError

from tracemill.config import Limits
from tracemill.errors import Malformed, Reason, TooLarge
from tracemill.otlp.count import refuse_too_many
from tracemill.otlp.density import refuse_too_dense, refuse_too_much_repeated
from tracemill.otlp.messages import Shallow, Span, Thin
from tracemill.otlp.refusals import BAD_PARENT_ID, BAD_SPAN_ID, BAD_TRACE_ID, Fault, Refusals, too_large
from tracemill.otlp.validate import validate

COUNTED_BYTES: Final = 1024 * 1024
"""A larger body is counted before it is parsed: even a shallow parse takes 16 bytes for each empty field's two."""
SCOPES: Final = 10_000
"""In a request: an empty one takes two bytes on the wire and microseconds here."""
HEAD_BYTES: Final = 256 * 1024
"""A resource and its scope, at most: they are repeated in every partition."""

_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)
_TRACE_SIZES, _SPAN_SIZES, _PARENT_SIZES = frozenset({16}), frozenset({8}), frozenset({0, 8})


class Ids(NamedTuple):
    """Of the spans of one scope, in their order."""

    traces: list[bytes]
    spans: list[bytes]
    parents: list[bytes]


@dataclass(frozen=True, slots=True)
class Batch:
    """The accepted spans of one resource and scope, as bytes, in order of arrival.

    `resource` and `scope` are messages without tag and length, repeated fields joined; the schema URLs are text.
    """

    resource: bytes
    resource_schema: bytes
    scope: bytes
    scope_schema: bytes
    spans: Sequence[bytes]
    ids: Ids


@dataclass(frozen=True, slots=True)
class Checked:
    """A request that is through: what is taken, and what is refused."""

    batches: tuple[Batch, ...]
    accepted: int
    refusals: Refusals


def check(body: bytes, limits: Limits) -> Checked:
    """Check a serialized ExportTraceServiceRequest (or TracesData, which is the same on the wire).

    Raises:
        Malformed: it can't be read; nothing of it is taken.
        TooLarge: it holds more spans than a request may, a resource and scope that are too large, or parts of spans
            that are too small.
    """
    if len(body) > COUNTED_BYTES:
        refuse_too_many(body, limits.request_spans)
    shallow = _shallow(body)
    count = sum(len(scope.spans) for resource in shallow.resource_spans for scope in resource.scope_spans)
    if count > limits.request_spans:
        raise TooLarge(
            Reason.TOO_MANY_SPANS, f"resource_spans: {count} spans, a request may hold {limits.request_spans}"
        )
    scopes = sum(len(resource.scope_spans) for resource in shallow.resource_spans)
    if scopes > SCOPES:
        raise TooLarge(Reason.TOO_MANY_SPANS, f"resource_spans: {scopes} scope_spans, a request may hold {SCOPES}")
    refusals = Refusals()
    batches = tuple(_batches(shallow, _all_ids(body, shallow), limits.span_bytes, refusals))
    refuse_too_much_repeated((len(batch.resource) + len(batch.scope), len(batch.spans)) for batch in batches)
    return Checked(batches, count - refusals.count, refusals)


def _shallow(body: bytes) -> Any:
    try:
        return Shallow.FromString(body)
    except DecodeError as error:
        raise Malformed(
            Reason.MALFORMED, "the body isn't an ExportTraceServiceRequest: it is cut short or no protobuf"
        ) from error


def _batches(shallow: Any, ids: Iterator[Ids], span_bytes: int, refusals: Refusals) -> Iterator[Batch]:
    for i, resource in enumerate(shallow.resource_spans):
        head = b"".join(resource.resource)
        for j, scope in enumerate(resource.scope_spans):
            where = f"resource_spans[{i}].scope_spans[{j}]"
            scope_head, spans, known = b"".join(scope.scope), list(scope.spans), next(ids)
            size = len(head) + len(scope_head) + len(resource.schema_url) + len(scope.schema_url)
            if size > HEAD_BYTES:
                raise TooLarge(
                    Reason.REQUEST_TOO_LARGE, f"{where}: resource and scope are {size} bytes, at most {HEAD_BYTES}"
                )
            if not _all_fine(spans, known, span_bytes):
                spans, known = _sort_out(spans, known, span_bytes, where, refusals)
            if spans:
                yield Batch(head, resource.schema_url, scope_head, scope.schema_url, spans, known)


def _all_fine(spans: list[bytes], ids: Ids, span_bytes: int) -> bool:
    return (
        _TRACE_SIZES.issuperset(map(len, ids.traces))
        and _SPAN_SIZES.issuperset(map(len, ids.spans))
        and _PARENT_SIZES.issuperset(map(len, ids.parents))
        and _NO_TRACE not in ids.traces
        and _NO_SPAN not in ids.spans
        and max(map(len, spans), default=0) <= span_bytes
    )


def _sort_out(spans: list[bytes], ids: Ids, span_bytes: int, where: str, refusals: Refusals) -> tuple[list[bytes], Ids]:
    """The spans without a fault; the others are counted in `refusals`."""
    rows = []
    for k, row in enumerate(zip(spans, *ids, strict=True)):
        fault = _fault(*row, span_bytes)
        if fault is None:
            rows.append(row)
        else:
            refusals.add(fault, f"{where}.spans[{k}]")
    kept = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
    return kept[0], Ids(*kept[1:])


def _fault(span: bytes, trace_id: bytes, span_id: bytes, parent: bytes, span_bytes: int) -> Fault | None:
    if len(trace_id) != 16 or trace_id == _NO_TRACE:
        return BAD_TRACE_ID
    if len(span_id) != 8 or span_id == _NO_SPAN:
        return BAD_SPAN_ID
    if len(parent) not in _PARENT_SIZES:
        return BAD_PARENT_ID
    return too_large(span_bytes) if len(span) > span_bytes else None


def _all_ids(body: bytes, shallow: Any) -> Iterator[Ids]:
    """The ids of each scope's spans, after everything in the request has been validated."""
    try:
        validate(body)
        refuse_too_dense(body, shallow)
        thin = Thin.FromString(body)
    except DecodeError as error:
        raise Malformed(*_explain(shallow, str(error))) from error
    return (_ids(scope.spans) for resource in thin.resource_spans for scope in resource.scope_spans)


def _ids(spans: Any) -> Ids:
    parsed = list(spans)
    return Ids(
        [span.trace_id for span in parsed], [span.span_id for span in parsed], [span.parent_span_id for span in parsed]
    )


def _explain(shallow: Any, why: str) -> tuple[Reason, str]:
    """The reason and the sentence for a request that upb refuses, with the first span that it refuses alone."""
    where, why = _first_bad_span(shallow) or ("resource_spans", why)
    if "UTF-8" in why:
        return Reason.BAD_ENCODING, f"{where}: a text that isn't UTF-8"
    return Reason.MALFORMED, f"{where}: not OTLP protobuf, or nested too deeply ({why.rpartition(': ')[2]})"


def _first_bad_span(shallow: Any) -> tuple[str, str] | None:
    for i, resource in enumerate(shallow.resource_spans):
        for j, scope in enumerate(resource.scope_spans):
            for k, span in enumerate(scope.spans):
                try:
                    Span.FromString(span)
                except DecodeError as error:
                    return f"resource_spans[{i}].scope_spans[{j}].spans[{k}]", str(error)
    return None
