"""What is in the raw bytes of many spans? `decode`: bytes in, columns out.

This is the one place that a native decoder would replace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracemill.decode.attributes import Attributes
from tracemill.decode.wire import handler

Ids = npt.NDArray[np.uint64]
"""Span ids, their eight bytes read as a little-endian number; 0 is none."""


class UndecodableError(ValueError):
    """Bytes that aren't spans; nothing of them was read."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans as columns, in the order of the bytes. Arrow where the type is Any, numpy elsewhere."""

    count: int
    span_id: Ids
    parent_id: Ids
    trace_state: Any
    name: Any
    kind: npt.NDArray[np.int32]
    start_ns: npt.NDArray[np.int64]
    end_ns: npt.NDArray[np.int64]
    status_code: npt.NDArray[np.int32]
    status_message: Any
    attributes: Attributes
    events: Any
    links: Any


def decode(joined: bytes) -> Spans:
    """The spans in joined chunks of bundles.

    Raises:
        UndecodableError: the bytes aren't OTLP spans, or an id has a length that it can't have.
    """
    try:
        batch = handler("Spans").list_to_record_batch([joined])
    except ValueError as error:
        raise UndecodableError(str(error)) from error
    spans = batch.column(0).flatten()
    columns = dict(zip((field.name for field in spans.type), spans.flatten(), strict=True))
    status = columns["status"]
    return Spans(
        count=len(spans),
        span_id=_ids(columns["span_id"]),
        parent_id=_ids(columns["parent_span_id"]),
        trace_state=columns["trace_state"],
        name=columns["name"],
        kind=np.asarray(columns["kind"]),
        start_ns=_times(columns["start"]),
        end_ns=_times(columns["end"]),
        status_code=np.asarray(status.field(1).fill_null(0)),
        status_message=status.field(0).fill_null(""),
        attributes=Attributes.of(columns["attributes"]),
        events=columns["events"],
        links=columns["links"],
    )


def _times(column: Any) -> npt.NDArray[np.int64]:
    """Nanoseconds since the epoch; what doesn't fit 63 bits (beyond the year 2262) becomes the last that does."""
    return np.minimum(np.asarray(column), np.uint64(2**63 - 1)).astype(np.int64)


def _ids(column: Any) -> Ids:
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    sizes = np.diff(offsets)
    if not ((sizes == 8) | (sizes == 0)).all():
        raise UndecodableError("a span or parent id that isn't 8 bytes long")
    ids = np.zeros(len(column), np.uint64)
    body = column.buffers()[2]
    if body is not None:
        ids[sizes == 8] = np.frombuffer(body, "<u8", (offsets[-1] - offsets[0]) // 8, offsets[0])
    return ids
