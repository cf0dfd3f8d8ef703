"""What do the topics say in the end, to a reader who takes each thing once?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from tests.simulation.topics import Topics
from tracemill.assembly import blocks
from tracemill.schema import SPAN_ARROW

Row = dict[str, Any]


def mark(row: Row) -> tuple[Any, ...]:
    """What makes a row of `decisions.v1` this row, however often it is written."""
    return row["row"], row["trace_id"] + row["tenant"].encode(), row["cause"], row["records"][-1]


@dataclass(frozen=True)
class Outcome:
    """The rows of `decisions.v1`, each where it was written first; everything else that was ever written, once."""

    decisions: list[Row]
    spans: set[str]
    traces: set[bytes]
    signals: set[bytes]
    letters: set[bytes]


def outcome(topics: Topics) -> Outcome:
    """What was written."""
    first_told: dict[tuple[Any, ...], Row] = {}
    for row in told_rows([value for _, value in topics.decisions]):
        first_told.setdefault(mark(row), row)
    return Outcome(
        list(first_told.values()),
        {repr(sorted(row.items())) for row in _spans(topics)},
        set(topics.traces),
        set(topics.signals),
        set(topics.letters),
    )


def told_rows(values: Sequence[bytes]) -> list[Row]:
    """The rows of `decisions.v1` to whoever can't read some of it: what is told again holds, from the mark on."""
    read: dict[int, list[Row]] = {}
    for offset, value in enumerate(values):
        with suppress(ValueError):
            block = blocks.read(value)
            if block.again is not None and block.again not in read:
                read = {place: rows for place, rows in read.items() if place < block.again}
            read[offset] = block.rows.to_pylist()
    return [row for rows in read.values() for row in rows]


def _spans(topics: Topics) -> list[Row]:
    return pa.concat_tables([SPAN_ARROW.empty_table(), *topics.spans]).to_pylist()


def latest_revisions(topics: Topics) -> dict[tuple[bytes, int], tuple[Any, ...]]:
    """`traces.v1` after the highest revision has won: by key and `opened_at` what it says of the trace."""
    rows = [orjson.loads(line) for line in topics.traces]
    return {
        (bytes.fromhex(row["trace_id"]) + row["tenant"].encode(), row["opened_at"] // 1_000_000): (
            row["revision"],
            row["version"],
            row["closed_by"],
            row["complete"],
            row["span_count"],
            row["decision"] == "keep",
            row["policy"],
            row["probability"],
            row["adjusted_count"],
        )
        for row in sorted(rows, key=lambda row: row["revision"])
    }


def signalled(topics: Topics) -> dict[tuple[str, str], int]:
    """Tenants and ids of the traces that a signal tells of, with its highest revision."""
    signals = [orjson.loads(line) for line in topics.signals]
    told = [(one["tenant"], one["id"], one["revision"]) for one in signals if one["type"] == "trace"]
    return {(tenant, trace_id): revision for tenant, trace_id, revision in sorted(told, key=lambda one: one[2])}


Place = tuple[bytes, bytes]


def stored(topics: Topics) -> dict[Place, set[tuple[Any, ...]]]:
    """By a span's trace and its id, what has the highest version: one row, but where a record closes a trace twice."""
    return highest(
        (
            (row["trace_id"] + row["tenant"].encode(), row["span_id"]),
            (row["version"], row["revision"], row["policy"], row["probability"], row["adjusted_count"]),
        )
        for row in _spans(topics)
    )


def highest(rows: Iterable[tuple[Place, tuple[Any, ...]]]) -> dict[Place, set[tuple[Any, ...]]]:
    """Rows that begin with their version: of each place those with the highest."""
    found: dict[Place, set[tuple[Any, ...]]] = {}
    for place, row in rows:
        best = max([row[0], *(one[0] for one in found.get(place, ()))])
        found[place] = {one for one in (*found.get(place, ()), row) if one[0] == best}
    return found


def decided_rows(found: Outcome) -> list[tuple[Any, ...]]:
    """What the rows of `decisions.v1` say of closings."""
    return [
        (
            row["trace_id"] + row["tenant"].encode(),
            (row["opened_at"], row["first_at"], row["at"], row["cause"], row["closed_by"], row["rooted"]),
            row["records"][-len(row["times"]) :],
            (row["revision"], row["keep"], row["policy"], row["probability"], row["adjusted_count"]),
            {number.to_bytes(8, "little") for number in row["span_ids"]},
        )
        for row in found.decisions
        if row["row"] == blocks.DECIDED
    ]
