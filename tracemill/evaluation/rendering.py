"""How do decided traces become rows, spans, signals and decisions, each in its partition's output?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from tracemill.evaluation import block_rows, lines, rows, spans
from tracemill.evaluation.items import Decoded, Item
from tracemill.evaluation.output import Output
from tracemill.evaluation.verdicts import Settled
from tracemill.schema import MAX_SOURCES

_NS_PER_MS = 1_000_000


def trace_table(traces: rows.Traces, items: list[Item]) -> pl.DataFrame:
    """The trace rows but for the verdict."""
    closings = [item.closing for item in items]
    known = {
        "tenant": [closing.trace.key[16:].decode() for closing in closings],
        "trace_id": [closing.trace.key[:16].hex() for closing in closings],
        "complete": np.array([closing.decided.rooted for closing in closings]),
        "closed_by": [closing.closed_by.value for closing in closings],
        "opened_at": np.array([closing.trace.opened_at for closing in closings]) * _NS_PER_MS,
        "version": np.array([closing.cause for closing in closings]),
    }
    sizes = np.array([sum(len(piece[0]) for piece in item.pieces) for item in items])
    # A span that came again has no size of its own here: it counts as large as the others.
    sizes = np.rint(sizes * traces.total(traces.once) / np.bincount(traces.frame.owner)).astype(np.int64)
    offsets = pa.array([closing.decided.records[:MAX_SOURCES] for closing in closings], pa.list_(pa.int64()))
    sources = lines.frame_of({"partition": np.array([item.output.partition for item in items]), "offsets": offsets})
    return lines.frame_of(known | rows.columns(traces) | {"size_bytes": sizes}).with_columns(
        sources.to_struct("sources")
    )


def with_verdicts(table: pl.DataFrame, items: list[Item], verdicts: Settled) -> pl.DataFrame:
    return table.with_columns(
        revision=pl.Series([item.closing.decided.revision for item in items], dtype=pl.Int64),
        decision=pl.Series(["keep" if keep else "drop" for keep in verdicts.keep], dtype=pl.String),
        policy=pl.Series(verdicts.policy, dtype=pl.String),
        probability=pl.Series(verdicts.probability),
        adjusted_count=pl.Series(verdicts.adjusted_count),
    )


def render(
    items: list[Item],
    batch: Decoded,
    traces: rows.Traces,
    table: pl.DataFrame,
    verdicts: Settled,
    randomness: npt.NDArray[np.uint64],
) -> None:
    """Write what is kept, every row, every signal and the decisions, each to its partition's output."""
    frame, owner, told = batch.frame, batch.frame.owner, verdicts.changed
    wanted = traces.once & (verdicts.keep & verdicts.written)[owner] & (batch.own | verdicts.rewritten[owner])
    calls = traces.inference & verdicts.written[owner] & batch.own
    stamp = spans.Stamp(
        [item.closing.trace.key[:16] for item in items],
        verdicts.keep,
        verdicts.policies(),
        verdicts.probability,
        verdicts.adjusted_count,
        randomness,
        np.array([item.closing.decided.revision for item in items]),
        np.array([item.closing.cause for item in items]),
        batch.late,
    )
    written, called = np.nonzero(wanted)[0], np.nonzero(calls)[0]
    repeats = owner[batch.own & ~traces.once]
    frame_table = spans.table(frame, written, stamp)
    trace_lines, signals = lines.trace_lines(table), lines.trace_signals(table)
    call_lines = lines.call_signals(traces, called, table) if len(called) else []
    decided = block_rows.decided([item.closing for item in items], traces, verdicts, table)
    for output, first, last in _runs(items):
        chosen = np.nonzero(told[first:last])[0] + first
        output.traces += [trace_lines[place] for place in chosen]
        output.signals += [signals[place] for place in chosen]
        begin, end = np.searchsorted(owner[called], (first, last))
        output.signals += call_lines[begin:end]
        begin, end = np.searchsorted(owner[written], (first, last))
        if begin < end:
            output.spans.append(frame_table.slice(begin, end - begin))
        output.repeated += int(np.diff(np.searchsorted(repeats, (first, last)))[0])
        tell(output, items[first:last], decided.slice(first, last - first))


def tell(output: Output, items: Sequence[Item], decided: Any) -> None:
    """These rows of decisions are written for these items of one partition, and make its history."""
    output.told += [item.closing for item in items]
    output.decided.append(decided)
    items[0].history.note(decided)


def _runs(items: list[Item]) -> Iterator[tuple[Output, int, int]]:
    """Each partition's output and the range of its items."""
    first = 0
    for _, group in groupby(items, key=lambda item: item.output.partition):
        run = list(group)
        yield run[0].output, first, first + len(run)
        first += len(run)
