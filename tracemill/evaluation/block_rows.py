"""Which rows of `decisions.v1` does a flush write for a partition?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from tracemill.assembly import blocks
from tracemill.assembly.trace import Carry, Closing, Event
from tracemill.evaluation.rows import Traces
from tracemill.evaluation.verdicts import Settled
from tracemill.schema import ROUTE_P95


def decided(closings: Sequence[Closing], traces: Traces, verdicts: Settled, table: pl.DataFrame) -> Any:
    """A row of `blocks.SCHEMA` a closing, in their order; `table` has their trace rows."""
    once, owner = traces.once, traces.frame.owner
    counts = np.bincount(owner[once], minlength=len(closings))
    offsets = np.append(0, np.cumsum(counts)).astype(np.int32)
    span_ids = pa.ListArray.from_arrays(pa.array(offsets), pa.array(traces.frame.spans.span_id[once]))
    return _rows(
        closings,
        {
            "keep": verdicts.keep,
            "policy": verdicts.policies(),
            "probability": verdicts.probability,
            "adjusted_count": verdicts.adjusted_count,
            "span_ids": span_ids,
            "route": table["route"].to_arrow(),
            "duration_ms": table["duration_ms"].to_arrow(),
            ROUTE_P95: table[ROUTE_P95].to_arrow(),
        },
    )


def left(closings: Sequence[Closing]) -> Any:
    """A row of `blocks.SCHEMA` a closing of which no span can be read: its verdict is what it was."""
    verdicts = [closing.decided.verdict for closing in closings if closing.decided.verdict]
    fields = ("keep", "policy", "probability", "adjusted_count")
    known: dict[str, Any] = {name: [getattr(verdict, name) for verdict in verdicts] for name in fields}
    count = len(closings)
    nothing = {"span_ids": [[]] * count, "route": [""] * count, "duration_ms": [0.0] * count, ROUTE_P95: [None] * count}
    return _rows(closings, known | nothing)


def _rows(closings: Sequence[Closing], decided: Mapping[str, Any]) -> Any:
    count = len(closings)
    columns: dict[str, Any] = {
        "row": [blocks.DECIDED] * count,
        "tenant": [closing.trace.key[16:].decode() for closing in closings],
        "trace_id": [closing.trace.key[:16] for closing in closings],
        "revision": [closing.decided.revision for closing in closings],
        "opened_at": [closing.trace.opened_at for closing in closings],
        "first_at": [closing.trace.first_at for closing in closings],
        "at": [closing.closed_at for closing in closings],
        "cause": [closing.cause for closing in closings],
        "closed_by": [closing.closed_by.value for closing in closings],
        "rooted": [closing.decided.rooted for closing in closings],
        "rules": [closing.decided.verdict.rules if closing.decided.verdict else "" for closing in closings],
        "records": [closing.decided.records for closing in closings],
        "times": [closing.trace.times for closing in closings],
        "sizes": [closing.trace.sizes for closing in closings],
        "first_through": [closing.decided.first_through for closing in closings],
        "spans": [closing.decided.spans for closing in closings],
        "span_bytes": [closing.decided.span_bytes for closing in closings],
        "promoted": [closing.trace.promoted for closing in closings],
        **decided,
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in blocks.SCHEMA], schema=blocks.SCHEMA)


def block(events: Sequence[Event], told: Sequence[Closing], tables: Sequence[Any]) -> Any:
    """All rows of a flush in the order of its events, or None when there are none.

    Args:
        events: of one partition, in log order.
        told: those closings that have a row, in the order of the rows in `tables`.
        tables: what `decided` made of them.
    """
    carries = [event for event in events if isinstance(event, Carry)]
    if not told and not carries:
        return None
    both = pa.concat_tables([*tables, _carried(carries)]) if carries else pa.concat_tables(tables)
    place = {id(event): row for row, event in enumerate([*told, *carries])}
    return both.take(pa.array([place[id(event)] for event in events if id(event) in place]))


def _carried(carries: Sequence[Carry]) -> Any:
    rows: list[dict[str, Any]] = [
        {
            "row": blocks.CARRIED,
            "tenant": carry.trace.key[16:].decode(),
            "trace_id": carry.trace.key[:16],
            "revision": 0,
            "opened_at": carry.trace.opened_at,
            "first_at": carry.trace.first_at,
            "at": carry.carried_at,
            "cause": carry.cause,
            "closed_by": "",
            "rooted": carry.rooted,
            "keep": False,
            "policy": "",
            "rules": "",
            "probability": 0.0,
            "adjusted_count": 0.0,
            "records": carry.records,
            "times": carry.times,
            "sizes": carry.sizes,
            "first_through": 0,
            "spans": 0,
            "span_bytes": 0,
            "span_ids": [],
            "promoted": carry.promoted,
            "route": "",
            "duration_ms": 0.0,
            ROUTE_P95: None,
        }
        for carry in carries
    ]
    return pa.Table.from_pylist(rows, schema=blocks.SCHEMA)
