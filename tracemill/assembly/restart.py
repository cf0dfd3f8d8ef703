"""Where does a worker go on that takes a partition over? From what `decisions.v1` says, as if it had never stopped.

At a commit everything that was decided before is in `decisions.v1`, and so are the records of the traces that were
open and older than `carry_after`. What came since is read again, and what was decided with it is recognised.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tracemill.assembly import blocks
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.excerpt import Bundle, BundlesAt, pieces_of
from tracemill.assembly.memory import Memory
from tracemill.assembly.shadows import Shadows
from tracemill.assembly.trace import Anchor, ClosedBy, Hold, OpenTrace
from tracemill.config import Assembly
from tracemill.sampling.history import History

_SHADOW = ["tenant", "trace_id", "closed_by", "cause", "records", "times", "sizes"]


def since_ms(rules: Assembly, *clocks_ms: int) -> int:
    """Since when blocks have to be read, by the broker's clock.

    What is open at a commit was opened `max_age` before at the earliest, and goes on with what was decided no longer
    than the horizon before that. Clocks differ and are set: of those given, the one that is behind counts.

    Args:
        rules: how long traces stay open and are remembered.
        clocks_ms: when the last record before the commit was appended, and when the newest block was.
    """
    return max(min(clocks_ms) - rules.memory_horizon_ms - rules.max_age_ms, 0)


class Past:
    """What the blocks of a partition say to a worker that begins at `start`.

    After `restart`, `lost` names the open traces of which the log has nothing any longer.
    """

    def __init__(self, told: Iterable[blocks.Block]) -> None:
        self._decided: list[Any] = []
        self._carried: dict[bytes, dict[int, dict[str, Any]]] = defaultdict(dict)
        self.lost: list[bytes] = []
        for block in told:
            self._take(block.rows)

    def _take(self, table: Any) -> None:
        self._decided.append(table.filter(pc.equal(table.column("row"), blocks.DECIDED)))
        rows = table.filter(pc.equal(table.column("row"), blocks.CARRIED))
        for key, row in zip(blocks.keys_of(rows), rows.to_pylist(), strict=True):
            self._carried[key][row["cause"]] = row

    def restart(self, rules: Assembly, start: Anchor, bundles_at: BundlesAt) -> tuple[Assembler, Memory]:
        """The assembler and the memory as they were at the start."""
        memory = Memory(rules.memory_horizon_ms)
        decided_through = self._remember(memory)
        assembler = Assembler(rules, memory, start)
        traces = [
            trace
            for key, rows in self._carried.items()
            if (trace := _restore(key, rows.values(), start, memory, decided_through.get(key, -1)))
        ]
        wanted = {offset for trace in traces for offset in trace.records}
        found = bundles_at(wanted) if wanted else {}
        for trace in traces:
            _fill(trace, found)
        self.lost = [trace.key for trace in traces if not _holds_something(trace)]
        assembler.restore([trace for trace in traces if _holds_something(trace)], self._shadows(start))
        return assembler, memory

    def history(self, horizon_ms: int, share: float) -> History:
        """What was decided, each trace's first decision once."""
        history = History(horizon_ms, share)
        if self._decided:
            table = pa.concat_tables(self._decided)
            last = pl.Series(pl.from_arrow(table.column("records"))).list.last()
            marks = pl.DataFrame({"key": blocks.keys_of(table), "last": last})
            first = marks.with_row_index().unique(["key", "last"], keep="first", maintain_order=True)["index"]
            history.note(table.take(first.to_arrow()))
        return history

    def _shadows(self, start: Anchor) -> Shadows:
        """Each closing that was decided after `start`, once however often its row was written.

        One record may close a trace twice, but not with the same last record.
        """
        shadows, seen = Shadows(), set()
        for table in self._decided:
            rows = table.filter(pc.greater_equal(table.column("cause"), start.offset)).select(_SHADOW)
            for key, row in zip(blocks.keys_of(rows), rows.to_pylist(), strict=True):
                if (key, row["records"][-1]) not in seen:
                    seen.add((key, row["records"][-1]))
                    own = row["records"][-len(row["times"]) :]
                    records = list(zip(own, row["times"], row["sizes"], strict=True))
                    shadows.add(key, records, start.offset, ClosedBy(row["closed_by"]), row["cause"])
        return shadows

    def _remember(self, memory: Memory) -> dict[bytes, int]:
        """Fill the memory with the newest row of each trace; the last record that each was decided with.

        The newest is the one with the last record, not the one of the highest revision: a trace that was forgotten and
        comes again begins with the first.
        """
        if not self._decided:
            return {}
        table = pa.concat_tables(self._decided)
        ranked = pl.DataFrame(
            {
                "key": blocks.keys_of(table),
                "last": pl.Series(pl.from_arrow(table.column("records"))).list.last(),
                "row": range(len(table)),
            },
            schema_overrides={"key": pl.Binary, "row": pl.Int64},
        )
        newest = ranked.sort("last", maintain_order=True).unique("key", keep="last").sort("row")
        table = table.take(pa.array(newest["row"].to_list(), pa.int64()))
        keys = newest["key"].to_list()
        memory.add(keys, table)
        return dict(zip(keys, newest["last"].to_list(), strict=True))


def _restore(
    key: bytes, rows: Iterable[Mapping[str, Any]], start: Anchor, memory: Memory, decided_through: int
) -> OpenTrace | None:
    """An open trace without its spans yet; None when nothing of it lies before `start`, or it was decided since.

    A row that was caused after `start` will be written again: until then its records aren't listed. Whether its root
    had come says the row, because the log may have lost it; but not a row that tells of records after `start` too.
    """
    trace: OpenTrace | None = None
    for row in sorted(rows, key=lambda row: row["cause"]):
        parts = zip(row["records"], row["times"], row["sizes"], strict=True)
        known = [part for part in parts if decided_through < part[0] < start.offset]
        if not known:
            continue
        if trace is None:
            before = memory.get(key, row["first_at"])
            trace = OpenTrace(key, row["opened_at"], row["first_at"], 0, before, before.rooted if before else False)
        for offset, time, size in known:
            trace.records.append(offset)
            trace.times.append(time)
            trace.sizes.append(size)
            trace.size += size
        trace.last_at = trace.times[-1]
        trace.rooted = trace.rooted or (row["rooted"] and row["records"][-1] < start.offset)
        trace.promoted = trace.promoted or row["promoted"]
        if row["cause"] < start.offset:
            trace.listed = len(trace.records)
        elif trace.hold is None:
            trace.unlisted_at, trace.hold = known[0][1], Hold(start)
    return trace


def _holds_something(trace: OpenTrace) -> bool:
    """Whether it can be decided: it has spans, or had some before and is to be kept."""
    return bool(trace.pieces) or (trace.promoted != "" and trace.before is not None)


def _fill(trace: OpenTrace, found: Mapping[int, Bundle]) -> None:
    for offset in trace.records:
        if offset in found:
            pieces, rooted = pieces_of(trace.key, found[offset])
            trace.pieces += pieces
            trace.rooted = trace.rooted or rooted
    trace.spans = sum(piece[3] for piece in trace.pieces)
    trace.span_bytes = sum(len(piece[0]) for piece in trace.pieces)
