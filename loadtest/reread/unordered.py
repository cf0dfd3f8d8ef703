"""Do two runs tell the same rows of traces, and of spans, in a partition, in whatever order and however often?

Rows are compared as hashes: 8 bytes a row in memory. Every revision counts, so that the highest is the same too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl
import pyarrow as pa

from loadtest.reread.differences import Difference, Row
from loadtest.reread.digest import DIGEST_BYTES, Summary
from tracemill.schema import VERDICT

Marks = npt.NDArray[np.uint64]
"""A hash of each distinct row, sorted."""

RECORDS_AT_ONCE: Final = 5_000
VERSION: Final = "version"
_TRACE_KEY: Final = ("tenant", "trace_id", "revision")
_SPAN_KEY: Final = ("tenant", "trace_id", "span_id", "revision")
_SPAN_COLUMNS: Final = ("tenant", "trace_id", "span_id", *(column.name for column in VERDICT))


class Kind(Protocol):
    """How records of a topic become rows."""

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that make a row this row."""
        ...

    def frames(self, values: Iterable[bytes]) -> Iterator[pl.DataFrame]:
        """The rows, with the columns of `key`, `version` and all that is compared."""
        ...

    def shown(self, row: Row) -> Row:
        """A row of such a frame as somebody knows it."""
        ...


class TraceRows:
    """Of `traces.v1`: the whole row."""

    key = _TRACE_KEY

    def frames(self, values: Iterable[bytes]) -> Iterator[pl.DataFrame]:
        """Frames of many records each, the row itself as it was written in the column `json`."""
        lines = iter(values)
        while batch := list(islice(lines, RECORDS_AT_ONCE)):
            rows = [orjson.loads(line) for line in batch]
            known = {name: [row[name] for row in rows] for name in (*_TRACE_KEY, VERSION)}
            yield pl.DataFrame(known | {"json": batch})

    def shown(self, row: Row) -> Row:
        """The JSON's columns."""
        found: Row = orjson.loads(row["json"])
        return found


class SpanRows:
    """Of `spans.v1`: whose span it is, and the verdict."""

    key = _SPAN_KEY

    def frames(self, values: Iterable[bytes]) -> Iterator[pl.DataFrame]:
        """A frame a record."""
        for value in values:
            yield pl.DataFrame(pl.from_arrow(pa.ipc.open_stream(value).read_all().select(_SPAN_COLUMNS)))

    def shown(self, row: Row) -> Row:
        """As it is."""
        return row


@dataclass(frozen=True, slots=True)
class Unordered:
    """Compares the rows of one kind."""

    kind: Kind

    def summary(self, values: Iterable[bytes], cut: int) -> Summary:
        """Of the distinct rows of a partition, as far as records before the offset `cut` caused them."""
        marks = self._marks(values, cut)
        digest = blake2b(marks.tobytes(), digest_size=DIGEST_BYTES).hexdigest()
        return Summary(len(marks), digest if len(marks) else "")

    def difference(self, one: Iterable[bytes], other: Iterable[bytes], cut: int) -> Difference | None:
        """The first row that isn't the same in both, None where there is none.

        Args:
            one: the records of one run; read twice.
            other: those of the other; read twice.
            cut: as for `summary`.
        """
        only = np.setxor1d(self._marks(one, cut), self._marks(other, cut), assume_unique=True)
        if not len(only):
            return None
        ones, others = self._rows(one, only, cut), self._rows(other, only, cut)
        left = next(ones, None)
        right = next(others, None) if left is None else self._same(left, others)
        return Difference(self._shown(left), self._shown(right), same=left is not None and right is not None)

    def _frames(self, values: Iterable[bytes], cut: int) -> Iterator[pl.DataFrame]:
        for frame in self.kind.frames(values):
            yield frame.filter(pl.col(VERSION) < cut)

    def _marks(self, values: Iterable[bytes], cut: int) -> Marks:
        parts = [frame.hash_rows().to_numpy() for frame in self._frames(values, cut)]
        return np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *parts]))

    def _rows(self, values: Iterable[bytes], wanted: Marks, cut: int) -> Iterator[Row]:
        """The rows with these marks."""
        for frame in self._frames(values, cut):
            found = np.isin(frame.hash_rows().to_numpy(), wanted)
            yield from frame.filter(pl.Series(found)).iter_rows(named=True)

    def _same(self, row: Row, rows: Iterable[Row]) -> Row | None:
        return next((each for each in rows if all(each[name] == row[name] for name in self.kind.key)), None)

    def _shown(self, row: Row | None) -> Row | None:
        return None if row is None else self.kind.shown(row)
