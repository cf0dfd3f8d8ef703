"""What does each trace amount to? The trace row's columns, computed from the frame for all traces at once.

Nothing here depends on the order in which spans arrived: of several candidates the one that started first is taken,
then the one with the smaller span id.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracemill.decode.groups import text_column
from tracemill.dialects.classify import EMBEDDING, FALLBACK, LLM, RETRIEVAL, SPAN_TYPES, TOOL
from tracemill.evaluation.graph import NO_ROW, Graph, connect
from tracemill.frame import Frame
from tracemill.schema import MAX_NAMES

Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NS_PER_MS: Final = 1_000_000.0
_ABOVE_ALL: Final = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Traces:
    """`count` traces over the spans of a frame, whose `owner` runs from 0 to `count` - 1 without a gap."""

    frame: Frame
    count: int

    @cached_property
    def graph(self) -> Graph:
        """Duplicates, parents, depth."""
        return connect(self.frame.owner, self.frame.spans.span_id, self.frame.spans.parent_id)

    @cached_property
    def once(self) -> Mask:
        """Spans that count: not a repetition of one that came before."""
        return ~self.graph.repeated

    @cached_property
    def starts(self) -> Int:
        """The first row of each trace."""
        return np.searchsorted(self.frame.owner, np.arange(self.count))

    @cached_property
    def _order(self) -> Int:
        spans = self.frame.spans
        return np.lexsort((spans.span_id, spans.start_ns, self.frame.owner))

    def total(self, values: Any) -> Any:
        """The sum a trace of a numpy column; booleans are counted."""
        return np.add.reduceat(values.astype(np.int64) if values.dtype == np.bool_ else values, self.starts)

    def sum_in_order(self, values: Any, chosen: Mask) -> Any:
        """The sum a trace of floats at `chosen`, added up by start and span id: floats added otherwise differ."""
        rows = self._order[chosen[self._order]]
        return np.bincount(self.frame.owner[rows], values[rows], self.count)

    def first(self, candidates: Mask) -> Int:
        """For each trace the row of its earliest candidate, `NO_ROW` where there is none."""
        ranked = np.where(candidates[self._order], np.arange(self.frame.count), _ABOVE_ALL)
        best = np.minimum.reduceat(ranked, self.starts)
        return np.where(best == _ABOVE_ALL, NO_ROW, self._order[np.minimum(best, self.frame.count - 1)])

    @cached_property
    def root(self) -> Int:
        """The row of each trace's root, `NO_ROW` where there is none."""
        return self.first(self.once & (self.frame.spans.parent_id == 0))

    @cached_property
    def head(self) -> Int:
        """The root's row, or the earliest span's."""
        return np.where(self.root == NO_ROW, self.first(self.once), self.root)

    @cached_property
    def inference(self) -> Mask:
        """Calls whose usage counts: LLM and embedding spans without another such span right below them."""
        types, parent = self.frame.type_code, self.graph.parent
        calls = self.once & ((types == LLM) | (types == EMBEDDING))
        wraps = np.zeros(len(calls), np.bool_)
        wraps[parent[calls & (parent != NO_ROW)]] = True
        return calls & ~wraps


def text_at(column: Any, rows: Int) -> Any:
    """A text column's values at `rows`, `''` where a row is `NO_ROW`."""
    return column.take(pa.array(rows, mask=rows == NO_ROW)).fill_null("")


def columns(traces: Traces) -> dict[str, Any]:
    """The trace row's columns that follow from its spans, as numpy and Arrow arrays with `count` entries."""
    return _times(traces) | _names(traces) | _counts(traces) | _usage(traces)


def _times(traces: Traces) -> dict[str, Any]:
    spans = traces.frame.spans
    begin = np.minimum.reduceat(np.where(traces.once, spans.start_ns, _ABOVE_ALL), traces.starts)
    last = np.maximum(spans.end_ns, spans.start_ns)
    end = np.maximum.reduceat(np.where(traces.once, last, 0), traces.starts)
    ttft, known = traces.frame.numbers["ttft_ms"]
    row = traces.first(traces.inference & known)
    return {
        "started_at": begin,
        "duration_ms": (end - begin) / _NS_PER_MS,
        "ttft_ms": pa.array(ttft[row], mask=row == NO_ROW),
    }


def _names(traces: Traces) -> dict[str, Any]:
    frame, root, head = traces.frame, traces.root, traces.head
    types = pa.array(SPAN_TYPES, pa.string()).take(pa.array(frame.type_code[root]))
    name = text_at(frame.spans.name, root)
    route = text_at(frame.text["route"], root)
    origin = frame.origin[head]
    return {
        "root_name": name,
        "root_type": pc.if_else(pa.array(root == NO_ROW), "", types),
        "service_name": text_column([one.columns["service_name"] for one in frame.origins], origin),
        "environment": text_column([one.columns["environment"] for one in frame.origins], origin),
        "route": pc.if_else(pc.equal(route, ""), name, route),
        "session_id": _first_named(traces, frame.text["session_id"]),
        "user_id": _first_named(traces, frame.text["user_id"]),
    }


def _first_named(traces: Traces, column: Any) -> Any:
    named = np.asarray(pc.not_equal(column, ""))
    return text_at(column, traces.first(traces.once & named))


def _counts(traces: Traces) -> dict[str, Any]:
    frame, once, graph = traces.frame, traces.once, traces.graph
    types, errors = frame.type_code, frame.error & once
    tools = once & (types == TOOL)
    crossed = once & (graph.parent != NO_ROW) & (frame.service[graph.parent] != frame.service)
    retried = once & np.asarray(pc.not_equal(frame.text["retry_of"], ""))
    return {
        "span_count": traces.total(once),
        "depth": np.maximum.reduceat(np.where(once, graph.depth, 0), traces.starts),
        "hops": traces.total(crossed),
        "llm_calls": traces.total(traces.inference & (types == LLM)),
        "tool_calls": traces.total(tools),
        "retrievals": traces.total(once & (types == RETRIEVAL)),
        "error_count": traces.total(errors),
        "tool_error_count": traces.total(errors & tools),
        "retry_count": traces.total(retried),
        "fallback_count": traces.total(once & (types == FALLBACK)),
        "orphans": traces.total(graph.orphan),
    }


def _usage(traces: Traces) -> dict[str, Any]:
    frame, calls = traces.frame, traces.inference
    summed = {
        name: traces.total(np.where(calls, frame.numbers[name][0], 0))
        for name in ("input_tokens", "output_tokens", "cache_read_tokens")
    }
    cost, known = frame.numbers["cost_usd"]
    priced = traces.total(calls & known)
    text = frame.text
    models = pc.if_else(pc.equal(text["response_model"], ""), text["request_model"], text["response_model"])
    return summed | {
        "cost_usd": pa.array(traces.sum_in_order(cost, calls & known), mask=priced == 0),
        "models": _distinct(traces, models),
        "providers": _distinct(traces, text["provider"]),
    }


def _distinct(traces: Traces, column: Any) -> Any:
    """The distinct names on each trace's calls, sorted, the first `MAX_NAMES`."""
    rows = np.nonzero(traces.inference & np.asarray(pc.not_equal(column, "")))[0]
    encoded = column.take(pa.array(rows)).dictionary_encode()
    names = encoded.dictionary
    rank = np.empty(len(names), np.int64)
    order = np.asarray(pc.sort_indices(names)).astype(np.int64)
    rank[order] = np.arange(len(names))
    width = max(len(names), 1)
    pairs = np.unique(traces.frame.owner[rows] * width + rank[np.asarray(encoded.indices)])
    owner = pairs // width
    place = np.arange(len(pairs)) - np.searchsorted(owner, owner)
    pairs, owner = pairs[place < MAX_NAMES], owner[place < MAX_NAMES]
    offsets = np.searchsorted(owner, np.arange(traces.count + 1))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), names.take(pa.array(order[pairs % width])))
