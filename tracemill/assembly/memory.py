"""What was decided about a trace that has left memory? Kept packed, for the horizon, as `decisions.v1` says it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from tracemill.assembly import blocks
from tracemill.assembly.trace import Decided, Verdict

_ROW_BITS: Final = 24
_ROW_MASK: Final = (1 << _ROW_BITS) - 1
_KEPT: Final = [
    "revision", "opened_at", "at", "rooted", "keep", "policy", "rules", "probability", "adjusted_count", "records",
    "first_through", "spans", "span_bytes",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Segment:
    number: int
    keys: Sequence[bytes]
    newest: int
    table: Any


class Memory:
    """The decided traces of one partition, youngest revision only, for `horizon_ms` of log time.

    `size_bytes` is what their rows take; their keys take about as much again.
    """

    def __init__(self, horizon_ms: int) -> None:
        self._horizon_ms = horizon_ms
        self._places: dict[bytes, int] = {}
        self._segments: deque[_Segment] = deque()
        self._next = 0
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, keys: Sequence[bytes], table: Any) -> None:
        """Remember rows of `blocks.SCHEMA`, all `decided`, in the order of the log; `keys` are theirs."""
        if not keys:
            return
        packed = pa.table({name: _packed(table.column(name)) for name in _KEPT})
        newest = pc.max(table.column("at")).as_py()
        self._segments.append(_Segment(self._next, keys, newest, packed))
        self.size_bytes += packed.nbytes
        first = self._next << _ROW_BITS
        self._places.update(zip(keys, range(first, first + len(keys)), strict=True))
        self._next += 1

    def get(self, key: bytes, now_ms: int) -> Decided | None:
        """What was decided about a trace, if that is no longer ago than the horizon."""
        place = self._places.get(key)
        if place is None:
            return None
        table = self._segments[(place >> _ROW_BITS) - self._segments[0].number].table
        row = {name: table.column(name)[place & _ROW_MASK].as_py() for name in _KEPT}
        if row["at"] + self._horizon_ms < now_ms:
            return None
        verdict = Verdict(row["keep"], row["policy"], row["probability"], row["adjusted_count"], row["rules"])
        return Decided(
            key, row["opened_at"], row["at"], row["records"], row["first_through"], row["rooted"], None,
            row["spans"], row["span_bytes"], row["revision"], verdict,
        )  # fmt: skip

    def forget(self, now_ms: int) -> None:
        """Free what is older than the horizon."""
        while self._segments and self._segments[0].newest + self._horizon_ms < now_ms:
            segment = self._segments.popleft()
            self.size_bytes -= segment.table.nbytes
            first = segment.number << _ROW_BITS
            for row, key in enumerate(segment.keys):
                if self._places.get(key) == first + row:
                    del self._places[key]


def _packed(column: Any) -> Any:
    """Names repeat: as a dictionary they cost four bytes a row."""
    merged = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return merged.dictionary_encode() if pa.types.is_string(merged.type) else merged


def decided_rows(value: bytes) -> tuple[list[bytes], Any]:
    """The keys and rows of a block that say what was decided.

    None where it can't be read: a worker that needs it decides that again, and tells it again.
    """
    try:
        table = blocks.read(value).rows
    except ValueError:
        table = blocks.SCHEMA.empty_table()
    rows = table.filter(pc.equal(table.column("row"), blocks.DECIDED))
    return blocks.keys_of(rows), rows
