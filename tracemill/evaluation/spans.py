"""What is written about a kept span? The span frame of `spans.v1`, as Arrow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tracemill import schema
from tracemill.decode import groups, nested
from tracemill.dialects import parameters, tables
from tracemill.dialects.classify import SPAN_TYPES
from tracemill.evaluation import content
from tracemill.frame import SPAN_KINDS, STATUS_CODES, Frame
from tracemill.sampling import write_thresholds
from tracemill.sampling.thresholds import thresholds
from tracemill.schema import SPAN_ARROW

Int = npt.NDArray[np.int64]

_TIME: Final = SPAN_ARROW.field("started_at").type

Column = Callable[[Frame, Int], Any]
"""From a frame and some of its rows to an Arrow column."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a trace's verdict writes on its spans: one entry a trace, and which spans came late (one a span)."""

    trace_ids: Sequence[bytes]
    keep: Any
    policy: Any
    probability: Any
    adjusted_count: Any
    randomness: npt.NDArray[np.uint64]
    revision: Int
    version: Int
    late: npt.NDArray[np.bool_]


def table(frame: Frame, rows: Int, stamp: Stamp) -> Any:
    """The spans at `rows` (ascending) as a table of `SPAN_ARROW`."""
    columns = {name: column(frame, rows) for name, column in _COLUMNS.items()}
    columns |= content.columns(frame, rows) | _verdict(frame, rows, stamp)
    columns["trace_state"] = _trace_state(columns["trace_state"], frame.owner[rows], stamp)
    return pa.table([columns[field.name] for field in SPAN_ARROW], schema=SPAN_ARROW)


def any_column(frame: Frame, name: str, rows: Int) -> Any:
    """One column of the spans at `rows`, of those that don't depend on the verdict or hold the trace's id."""
    return _COLUMNS[name](frame, rows) if name in _COLUMNS else content.columns(frame, rows, (name,))[name]


def _text(name: str) -> Column:
    return lambda frame, rows: frame.text[name].take(pa.array(rows))


def _number(name: str) -> Column:
    return lambda frame, rows: pa.array(frame.numbers[name][0][rows], mask=~frame.numbers[name][1][rows])


def _of_resource(name: str) -> Column:
    return lambda frame, rows: groups.text_column([one.columns[name] for one in frame.origins], frame.origin[rows])


def _of_origin(read: Callable[[groups.Origin], str]) -> Column:
    return lambda frame, rows: groups.text_column([read(one) for one in frame.origins], frame.origin[rows])


def _decoded(name: str) -> Column:
    return lambda frame, rows: getattr(frame.spans, name).take(pa.array(rows))


def _cost_source(frame: Frame, rows: Int) -> Any:
    return _named(("", "reported"), frame.numbers["cost_usd"][1][rows].astype(np.int8))


_COLUMNS: Final[Mapping[str, Column]] = MappingProxyType(
    {
        "tenant": _of_origin(lambda origin: origin.tenant),
        "span_id": lambda frame, rows: _id_column(frame.spans.span_id[rows]),
        "parent_span_id": lambda frame, rows: _id_column(frame.spans.parent_id[rows]),
        "trace_state": _decoded("trace_state"),
        "name": _decoded("name"),
        "kind": lambda frame, rows: _named(SPAN_KINDS, frame.spans.kind[rows]),
        "started_at": lambda frame, rows: pa.array(frame.spans.start_ns[rows]).cast(_TIME),
        "duration_ns": lambda frame, rows: pa.array(frame.duration_ns[rows]),
        "status_code": lambda frame, rows: _named(STATUS_CODES, frame.spans.status_code[rows]),
        "status_message": _decoded("status_message"),
        "scope_name": _of_origin(lambda origin: origin.scope_name),
        "scope_version": _of_origin(lambda origin: origin.scope_version),
        "resource_attributes": lambda frame, rows: groups.attribute_maps(frame.origins, frame.origin[rows]),
        "attributes": lambda frame, rows: nested.attribute_maps(frame.spans.attributes, rows, content.moved(frame)),
        "events": lambda frame, rows: nested.events(frame.spans.events, rows, SPAN_ARROW.field("events").type),
        "links": lambda frame, rows: nested.links(frame.spans.links, rows, SPAN_ARROW.field("links").type),
        "span_type": lambda frame, rows: _named(SPAN_TYPES, frame.type_code[rows]),
        "cost_source": _cost_source,
        **{name: _of_resource(name) for name in tables.RESOURCE},
        "model_params": lambda frame, rows: parameters.column(frame.spans.attributes, frame.kept, rows),
        **{name: _text(name) for name in (*tables.TEXT, *tables.LISTS)},
        **{
            name: _number(name)
            for name in (*tables.INTEGERS, *tables.NUMBERS, *tables.BOOLEANS)
            if name in schema.SPAN_KINDS
        },
    }
)
"""Every column of a span that is neither long text nor its trace's verdict."""


def _verdict(frame: Frame, rows: Int, stamp: Stamp) -> dict[str, Any]:
    places = frame.owner[rows]
    owner = pa.array(places)
    return {
        "trace_id": pa.array(stamp.trace_ids, pa.binary(16)).take(owner),
        "decision": _named(("drop", "keep"), stamp.keep[places].astype(np.int8)),
        "policy": stamp.policy.take(owner),
        "probability": pa.array(stamp.probability[places]),
        "adjusted_count": pa.array(stamp.adjusted_count[places]),
        "revision": pa.array(stamp.revision[places]),
        "late": pa.array(stamp.late[rows]),
        "version": pa.array(stamp.version[places]),
    }


def _trace_state(sent: Any, owner: Int, stamp: Stamp) -> Any:
    """The tracestate as it was sent, with the threshold of a probability that this sampler applied, if any.

    A threshold that was sent may be false: then it is erased, whoever else is in this flush.
    """
    rejected = thresholds(stamp.probability)
    if not rejected.any() and not pc.any(pc.match_substring(sent, "th:")).as_py():
        return sent
    states = pl.Series(pl.from_arrow(sent))
    return write_thresholds(states, stamp.randomness[owner], rejected[owner]).to_arrow().cast(pa.string())


def _id_column(ids: npt.NDArray[np.uint64]) -> Any:
    return pa.Array.from_buffers(pa.binary(8), len(ids), [None, pa.py_buffer(np.ascontiguousarray(ids))])


def _named(names: Sequence[str], codes: Any) -> Any:
    """Names by their number; a number that has none gets the first."""
    known = np.where((codes >= 0) & (codes < len(names)), codes, 0)
    return pa.array(names, pa.string()).take(pa.array(known))
