"""How do events, links and attribute maps become columns? From bytes to Arrow lists and maps, for kept spans only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tracemill.decode.attributes import ABSENT, Attributes, texts
from tracemill.decode.wire import handler

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NOTHING = np.zeros(0, np.int64)


def attribute_maps(attributes: Attributes, rows: Rows, without: Mask | None = None) -> Any:
    """The attributes of the owners at `rows` (ascending) as an Arrow map of text to text, without some of them."""
    wanted = np.zeros(attributes.count, np.bool_)
    wanted[rows] = True
    chosen = wanted[attributes.owner]
    if without is not None:
        chosen &= ~without
    places = np.nonzero(chosen)[0]
    counts = np.bincount(attributes.owner[places], minlength=attributes.count)[rows]
    offsets = np.zeros(len(rows) + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    keys = attributes.keys.take(pa.array(attributes.code[places]))
    return pa.MapArray.from_arrays(pa.array(offsets), keys, attributes.values.text(places))


def events(lists: Any, rows: Rows, kind: Any) -> Any:
    """The events of the spans at `rows`, as the list column `kind` says."""
    return _nested(lists, rows, kind, "Event", lambda batch: [_time(batch.column("time")), batch.column("name")])


def last_of_events(lists: Any, rows: Rows, key: str) -> Any:
    """For each span at `rows` the text of an attribute of its last event that has it, `''` where none has."""
    taken = lists.take(pa.array(rows))
    raw = taken.flatten()
    batch = handler("Event").list_to_record_batch(raw.to_pylist())
    attributes = Attributes.of(batch.column("attributes"))
    found = attributes.index((key,)).first((key,))
    last = np.full(len(rows), ABSENT, np.int64)
    if found is not None:
        span = np.repeat(np.arange(len(rows)), np.diff(np.asarray(taken.offsets)))
        last[span[found != ABSENT]] = found[found != ABSENT]
    return texts(attributes.values, {"it": last}, len(rows))["it"]


def links(lists: Any, rows: Rows, kind: Any) -> Any:
    """The links of the spans at `rows`; an id of another length than it should have is cut or filled with zeros."""
    return _nested(
        lists,
        rows,
        kind,
        "Link",
        lambda batch: [
            _fixed(batch.column("trace_id"), 16),
            _fixed(batch.column("span_id"), 8),
            batch.column("trace_state"),
        ],
    )


def _nested(lists: Any, rows: Rows, kind: Any, message: str, fields: Any) -> Any:
    """A list column of structs: the message's fields, then its attributes."""
    taken = lists if len(rows) == len(lists) else lists.take(pa.array(rows))
    offsets = np.asarray(taken.offsets).astype(np.int32)
    raw = taken.flatten()
    if not len(raw):
        return pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), pa.array([], kind.value_type))
    batch = handler(message).list_to_record_batch(raw.to_pylist())
    maps = attribute_maps(Attributes.of(batch.column("attributes")), np.arange(len(raw)))
    struct = pa.StructArray.from_arrays([*fields(batch), maps], fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), struct)


def _time(column: Any) -> Any:
    nanoseconds = np.minimum(np.asarray(column), np.uint64(2**63 - 1)).astype(np.int64)
    return pa.array(nanoseconds).cast(pa.timestamp("ns", tz="UTC"))


def _fixed(column: Any, size: int) -> Any:
    return pa.array([value[:size].ljust(size, b"\0") for value in column.to_pylist()], pa.binary(size))
