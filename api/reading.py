"""How is a question answered from the store? Rows of a list, or one trace with its spans; for JSON and for pages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api import paging, queries, scores
from api.paging import Cursor
from api.problems import Problem, Trouble
from api.questions import Question
from api.store import Store
from api.times import SECOND_NS, Window
from tracemill.expressions.kinds import read_time

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the cursor of the next page or None."""

    rows: list[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace's row (None while only spans or scores of it are stored), its earliest spans, and whether there are more.

    `scores` are the latest.
    """

    row: Row | None
    spans: list[Row]
    truncated: bool
    scores: list[Row]


async def page(store: Store, tenant: str, question: Question, columns: Sequence[str]) -> Page:
    """The rows that a question asks for.

    Raises:
        Problem: the store doesn't answer.
    """
    spans = None
    if queries.needs_extent(question):
        (extent,) = await store.rows(queries.extent_of_traces(question.window, tenant))
        if not extent["traces"]:
            return Page([], None)
        spans = Window(extent["first_ns"], max(extent["first_ns"], extent["last_ns"]) + 1)
    found = await store.rows(queries.listed(question, tenant, columns, spans))
    rows = found[: question.limit]
    places = [paging.take_place(row, question.of) for row in rows]
    if len(found) <= question.limit:
        return Page(rows, None)
    return Page(rows, paging.write_cursor(Cursor(question.window, places[-1]), question.fingerprint))


async def trace(
    store: Store,
    tenant: str,
    trace_id: str,
    columns: Sequence[str],
    most: int = queries.TRACE_SPANS,
    result_bytes: int = queries.RESULT_BYTES,
) -> Trace:
    """A trace and its `most` earliest spans.

    Raises:
        Problem: it isn't there (for this tenant), or the store doesn't answer.
    """
    (row, window), found = await asyncio.gather(
        _find(store, tenant, trace_id), store.rows(queries.scores_of_trace(trace_id, tenant))
    )
    if row is None and window is None and not found:
        raise Problem(Trouble.NOT_FOUND, f"there is no trace {trace_id}: it may not have closed yet, or has expired")
    shown = [scores.stored(one) for one in found]
    if window is None:
        return Trace(row, [], truncated=False, scores=shown)
    asked = queries.spans_of_trace(trace_id, tenant, window, columns, most, result_bytes)
    spans = await store.rows(asked)
    return Trace(row, spans[:most], truncated=len(spans) > most, scores=shown)


async def span(store: Store, tenant: str, trace_id: str, span_id: str, columns: Sequence[str]) -> Row:
    """One span of a trace.

    Raises:
        Problem: it isn't there (for this tenant), or the store doesn't answer.
    """
    _, window = await _find(store, tenant, trace_id)
    found = window and await store.rows(queries.one_span(trace_id, span_id, tenant, window, columns))
    if not found:
        raise Problem(Trouble.NOT_FOUND, f"there is no span {span_id} in trace {trace_id}")
    return found[0]


async def _find(store: Store, tenant: str, trace_id: str) -> tuple[Row | None, Window | None]:
    """A trace's row, and when its spans began: None where none is stored."""
    rows, (extent,) = await asyncio.gather(
        store.rows(queries.one_trace(trace_id, tenant)), store.rows(queries.extent_of_trace(trace_id, tenant))
    )
    if not extent["found"]:
        return rows[0] if rows else None, None
    starts = [extent["first_s"] * SECOND_NS]
    ends = [(extent["last_s"] + 1) * SECOND_NS]
    for row in rows:
        # The index holds seconds of 32 bits; a trace of another century is found by its row.
        start = read_time(row["started_at"]) or 0
        starts.append(start)
        ends.append(start + int((row["duration_ms"] or 0) * 1e6) + SECOND_NS)
    return rows[0] if rows else None, Window(min(starts), min(max(ends), 2**63 - 1))
