"""How do events, links and attribute maps become columns? From bytes to Arrow lists and maps, for kept spans only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracemill.decode.attributes import ABSENT, Attributes, texts
from tracemill.decode.wire import handler

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NEVER: Final = np.iinfo(np.int64).max


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


@dataclass(frozen=True, slots=True)
class Recorded:
    """The events of `count` spans, one after the other; `span` is each event's place among the spans, ascending."""

    count: int
    span: Rows
    time_ns: Rows
    names: Any
    attributes: Attributes

    @classmethod
    def of(cls, lists: Any, rows: Rows) -> Recorded:
        """The events of the spans at `rows`."""
        taken = lists.take(pa.array(rows))
        batch = handler("Event").list_to_record_batch(taken.flatten().to_pylist())
        span = np.repeat(np.arange(len(rows)), np.diff(np.asarray(taken.offsets)))
        return cls(len(rows), span, _nanoseconds(batch.column("time")), batch.column("name"), _attributes_of(batch))

    def last(self, key: str, name: str = "") -> Any:
        """For each span the text of an attribute of its last event (of that name) that has it, `''` where none has."""
        found = self.attributes.index((key,)).first((key,))
        last = np.full(self.count, ABSENT, np.int64)
        if found is not None:
            here = (found != ABSENT) & (self.named((name,)) if name else True)
            last[self.span[here]] = found[here]
        return texts(self.attributes.values, {"it": last}, self.count)["it"]

    def named(self, names: Collection[str]) -> Mask:
        """Which events have one of these names."""
        return np.asarray(pc.is_in(self.names, pa.array(names, pa.string())))

    def first_ns(self, names: Collection[str]) -> Rows:
        """For each span the time of the earliest event of one of these names, 0 where it has none."""
        here = self.named(names)
        first = np.full(self.count, _NEVER)
        np.minimum.at(first, self.span[here], self.time_ns[here])
        return np.where(first == _NEVER, 0, first)


def mentioned(lists: Any, names: Collection[str]) -> bool:
    """Whether any of `names` is in the bytes of any event: a cheap look before events are read."""
    body = lists.values.buffers()[2]
    read = b"" if body is None else body.to_pybytes()
    return any(name.encode() in read for name in names)


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
    maps = attribute_maps(_attributes_of(batch), np.arange(len(raw)))
    struct = pa.StructArray.from_arrays([*fields(batch), maps], fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), struct)


def _attributes_of(batch: Any) -> Attributes:
    return Attributes.of(batch.column("attributes"))


def _time(column: Any) -> Any:
    return pa.array(_nanoseconds(column)).cast(pa.timestamp("ns", tz="UTC"))


def _nanoseconds(column: Any) -> Rows:
    return np.minimum(np.asarray(column), np.uint64(_NEVER)).astype(np.int64)


def _fixed(column: Any, size: int) -> Any:
    return pa.array([value[:size].ljust(size, b"\0") for value in column.to_pylist()], pa.binary(size))
