"""What is decided and written about everything that closed since the last flush? All partitions at once.

A flush is no part of any decision: cut the same events into other flushes, and the same rows come out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from tracemill.assembly.trace import Closing, Event, Piece, Verdict
from tracemill.decode.groups import Origins, Sender
from tracemill.decode.spans import UndecodableError, decode
from tracemill.evaluation import block_rows, lines, rows, spans
from tracemill.evaluation.judge import STALE, Case, RuleBook
from tracemill.evaluation.verdicts import Arrived, Settled
from tracemill.frame import read
from tracemill.sampling import Verdicts
from tracemill.sampling.history import History, slot_of
from tracemill.schema import MAX_SOURCES, ROUTE_P95

Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SLICE_BYTES: Final = 48 * 1024 * 1024
"""Of spans, each with its resource and scope, that are decoded at once; bounds the memory of a flush."""
SPAN_BYTES: Final = 600
"""Memory that a decoded span takes beside its bytes: its columns."""

UNDECODABLE: Final = "undecodable"
"""The policy of a trace of which nothing could ever be read."""

_NS_PER_MS: Final = 1_000_000


@dataclass(slots=True)
class Output:
    """What a flush writes for one partition, in the order in which it has to be written.

    `spans` are tables of `SPAN_ARROW`; `traces` and `signals` JSON; `block` is a table of `blocks.SCHEMA` or None, and
    `decided` those of its rows that have to be remembered, of the closings `told`: also of a trace of
    which only repeated spans came, and which keeps its revision. `repeated` is how many such spans came in all.
    """

    partition: int
    spans: list[Any] = field(default_factory=list)
    traces: list[bytes] = field(default_factory=list)
    signals: list[bytes] = field(default_factory=list)
    block: Any = None
    told: list[Closing] = field(default_factory=list)
    decided: list[Any] = field(default_factory=list)
    undecodable: list[tuple[Closing, str]] = field(default_factory=list)
    repeated: int = 0


class Batch(NamedTuple):
    """What closed in a partition, in the order of the log, and what was decided there before."""

    partition: int
    events: Sequence[Event]
    history: History


class Flush:
    """Decides and renders; holds what is read once for many flushes."""

    def __init__(self, rules: RuleBook, horizon_ms: int) -> None:
        self._rules = rules
        self._horizon_ns = horizon_ms * _NS_PER_MS
        self._origins = Origins()

    def run(self, batches: Sequence[Batch]) -> list[Output]:
        """Decide what closed in each partition; fills in the verdicts of the closings, and adds to the histories.

        Args:
            batches: by partition, ascending. The spans of every closing have to be in memory.
        """
        outputs = [Output(batch.partition) for batch in batches]
        items = [
            _Item(output, event, batch.history)
            for output, batch in zip(outputs, batches, strict=True)
            for event in batch.events
            if isinstance(event, Closing)
        ]
        _leave([item for item in items if not item.pieces])
        for turn in _turns(item for item in items if item.pieces):
            for part in _slices(turn):
                self._decide_safely(part)
        for output, batch in zip(outputs, batches, strict=True):
            output.block = block_rows.block(batch.events, output.told, output.decided)
        return outputs

    def _decide_safely(self, items: list[_Item]) -> None:
        """Decide `items`; when their bytes can't be read, both halves by themselves, down to those that can't."""
        try:
            self._decide(items)
        except UndecodableError as error:
            if middle := len(items) // 2:
                self._decide_safely(items[:middle])
                self._decide_safely(items[middle:])
            else:
                items[0].output.undecodable.append((items[0].closing, str(error)))
                _leave(items)

    def _decide(self, items: list[_Item]) -> None:
        batch = _Batch(items, self._origins)
        traces = rows.Traces(batch.frame, len(items))
        table = _trace_table(traces, items)
        cases = [item.case for item in items]
        table = table.with_columns(self._rules.p95_ms(table, cases).alias(ROUTE_P95))
        judged = self._rules.judge(table, traces, cases, self._stale(items, traces))
        settled = _settle(items, traces, judged.verdicts, batch)
        _render(items, batch, traces, _with_verdicts(table, items, settled), settled, judged.randomness)

    def _stale(self, items: list[_Item], traces: rows.Traces) -> Mask:
        """Parts of traces never heard of, without a root, that had ended more than the horizon before they came."""
        opened = np.array([item.closing.trace.opened_at for item in items]) * _NS_PER_MS
        parts = np.array([item.closing.trace.before is None and not item.closing.decided.rooted for item in items])
        ended = np.maximum.reduceat(traces.frame.spans.end_ns, traces.starts)
        return parts & (ended < opened - self._horizon_ns)


@dataclass(frozen=True, slots=True)
class _Item:
    output: Output
    closing: Closing
    history: History

    @property
    def case(self) -> Case:
        closing = self.closing
        return Case(closing.trace.key[:16], closing.steering, self.history, closing.closed_at)

    @property
    def pieces(self) -> list[Piece]:
        pieces = self.closing.decided.pieces
        if pieces is None:
            raise LookupError("the spans of a decided trace must be brought back from the log before the flush")
        return pieces


class _Batch:
    """The spans of closed traces, decoded; which are new since the trace was last decided, and which came late."""

    def __init__(self, items: list[_Item], origins: Origins) -> None:
        chunks, senders, offsets, counts = zip(*chain.from_iterable(item.pieces for item in items), strict=True)
        decoded = decode(b"".join(chunks))
        if decoded.count != sum(counts):
            raise UndecodableError(f"{decoded.count} spans where the index says {sum(counts)}")
        per_trace = np.array([len(item.pieces) for item in items])
        known = np.cumsum(per_trace) - np.array([len(item.closing.trace.pieces) for item in items])
        through = np.array([item.closing.decided.first_through for item in items])
        piece = np.repeat(np.arange(len(chunks)), counts)
        owner = np.repeat(np.arange(len(items)), per_trace)[piece]
        numbers: dict[Sender, int] = {}
        codes = np.array([numbers.setdefault(sender, len(numbers)) for sender in senders])
        self.own: Mask = piece >= known[owner]
        self.late: Mask = np.array(offsets)[piece] > through[owner]
        self.frame = read(decoded, owner, codes[piece], origins.read(list(numbers)))


def _turns(items: Iterable[_Item]) -> Iterable[list[_Item]]:
    """In each turn what closed in one slot of every partition: what is decided in a slot shows in the next one."""
    turns: dict[int, list[_Item]] = defaultdict(list)
    turn, place = 0, (-1, -1)
    for item in items:
        partition, slot = item.output.partition, slot_of(item.closing.closed_at)
        if (partition, slot) != place:
            turn = turn + 1 if partition == place[0] else 0
            place = partition, slot
        turns[turn].append(item)
    return [turns[turn] for turn in sorted(turns)]


def _slices(items: list[_Item]) -> Iterator[list[_Item]]:
    """Runs of items of at most `SLICE_BYTES`, at least one item each."""
    run: list[_Item] = []
    size = 0
    for item in items:
        weight = sum(_decoded_bytes(piece) for piece in item.pieces)
        if run and size + weight > SLICE_BYTES:
            yield run
            run, size = [], 0
        run.append(item)
        size += weight
    if run:
        yield run


def _decoded_bytes(piece: Piece) -> int:
    chunk, sender, _, spans = piece
    return len(chunk) + spans * (SPAN_BYTES + sender.size)


def _trace_table(traces: rows.Traces, items: list[_Item]) -> pl.DataFrame:
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


def _with_verdicts(table: pl.DataFrame, items: list[_Item], verdicts: Settled) -> pl.DataFrame:
    return table.with_columns(
        revision=pl.Series([item.closing.decided.revision for item in items], dtype=pl.Int64),
        decision=pl.Series(["keep" if keep else "drop" for keep in verdicts.keep], dtype=pl.String),
        policy=pl.Series(verdicts.policy, dtype=pl.String),
        probability=pl.Series(verdicts.probability),
        adjusted_count=pl.Series(verdicts.adjusted_count),
    )


def _settle(items: list[_Item], traces: rows.Traces, verdicts: Verdicts, batch: _Batch) -> Settled:
    """Number the revisions, and make late verdicts follow the earlier ones."""
    fresh = traces.total(traces.once & batch.own) > 0
    settled = Settled.of(verdicts)
    for place, item in enumerate(items):
        decided, before, promoted = item.closing.decided, item.closing.trace.before, item.closing.trace.promoted
        rules = item.closing.steering.rules
        if before is None or before.verdict is None:
            decided.verdict, decided.revision = settled.verdict(place, rules), 1
            settled.changed[place] = decided.verdict.policy != STALE
            if promoted and settled.changed[place]:
                decided.verdict = settled.promote(place, rules, promoted)
        else:
            whole = decided.whole and before.verdict.policy != STALE
            arrived = Arrived(bool(fresh[place]), whole, promoted)
            decided.verdict = settled.follow(place, rules, before.verdict, arrived)
            decided.revision = before.revision + int(settled.changed[place])
    return settled


def _leave(items: list[_Item]) -> None:
    """Traces whose spans can't be read, or are gone from the log, stay what they were; and that is remembered."""
    for item in items:
        decided, before = item.closing.decided, item.closing.trace.before
        known = before.verdict if before else None
        decided.revision = before.revision if before else 0
        decided.verdict = known or Verdict(False, UNDECODABLE, 0.0, 0.0, item.closing.steering.rules)
        _tell(item.output, [item], block_rows.left([item.closing]))


def _tell(output: Output, items: Sequence[_Item], decided: Any) -> None:
    """These rows of decisions are written for these items of one partition, and make its history."""
    output.told += [item.closing for item in items]
    output.decided.append(decided)
    items[0].history.note(decided)


def _render(
    items: list[_Item],
    batch: _Batch,
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
        _tell(output, items[first:last], decided.slice(first, last - first))


def _runs(items: list[_Item]) -> Iterator[tuple[Output, int, int]]:
    """Each partition's output and the range of its items."""
    first = 0
    for _, group in groupby(items, key=lambda item: item.output.partition):
        run = list(group)
        yield run[0].output, first, first + len(run)
        first += len(run)
