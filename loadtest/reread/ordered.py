"""Do two runs tell the same rows in the same order in a partition of `decisions.v1`?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from loadtest.reread.decision_rows import IDENTITY, told
from loadtest.reread.differences import Difference, Row
from loadtest.reread.digest import RowDigest, Summary
from tracemill.assembly import blocks


def summary(values: Iterable[bytes], cut: int) -> Summary:
    """Of the rows in the records of a partition, as far as records before the offset `cut` caused them."""
    digest = RowDigest()
    for table in told(values, cut):
        digest.add(table)
    return digest.summary()


def difference(one: Iterable[bytes], other: Iterable[bytes], cut: int) -> Difference | None:
    """The first row that isn't the same in both, found by reading both side by side; None where there is none."""
    ones, others, place = _Tables(told(one, cut)), _Tables(told(other, cut)), 0
    while (count := min(ones.fill(), others.fill())) > 0:
        left, right = ones.take(count), others.take(count)
        if not left.equals(right):
            same = _equal_rows(left, right)
            return _described(_Rest(left, ones, same), _Rest(right, others, same), place + same)
        place += count
    return _described(_Rest(None, ones, 0), _Rest(None, others, 0), place)


class _Tables:
    """Rows that come in tables, taken in other portions."""

    def __init__(self, tables: Iterator[Any]) -> None:
        self._tables = tables
        self._table = blocks.SCHEMA.empty_table()

    def fill(self) -> int:
        """How many rows can be taken at once; 0 at the end."""
        if not len(self._table):
            self._table = next(self._tables, self._table)
        return len(self._table)

    def take(self, count: int) -> Any:
        taken, self._table = self._table.slice(0, count), self._table.slice(count)
        return taken


class _Rest:
    """The rows from the first different one on, read once, from a table begun and the tables after it."""

    def __init__(self, begun: Any, after: _Tables, skipped: int) -> None:
        self._rows = self._read(begun, after, skipped)
        self.first: Row | None = next(self._rows, None)

    @staticmethod
    def _read(begun: Any, after: _Tables, skipped: int) -> Iterator[Row]:
        if begun is not None:
            yield from begun.slice(skipped).to_pylist()
        while count := after.fill():
            yield from after.take(count).to_pylist()

    def distance_of(self, row: Row | None) -> int | None:
        """How many rows after the first `row` comes, None where it doesn't."""
        if row is None:
            return None
        wanted = _identity(row)
        return next((distance for distance, each in enumerate(self._rows, 1) if _identity(each) == wanted), None)


def _described(ones: _Rest, others: _Rest, place: int) -> Difference | None:
    one, other = ones.first, others.first
    if one is None and other is None:
        return None
    if one is not None and other is not None and _identity(one) == _identity(other):
        return Difference(one, other, same=True, place=place)
    one_after, other_after = others.distance_of(one), ones.distance_of(other)
    return Difference(
        one,
        other,
        same=False,
        place=place,
        one_at=None if one_after is None else place + one_after,
        other_at=None if other_after is None else place + other_after,
    )


def _equal_rows(left: Any, right: Any) -> int:
    """How many rows are the same before the first that isn't, in two tables of one length that aren't equal."""
    low, high = 0, len(left) - 1
    while low < high:
        middle = (low + high) // 2
        if left.slice(low, middle - low + 1).equals(right.slice(low, middle - low + 1)):
            low = middle + 1
        else:
            high = middle
    return low


def _identity(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in IDENTITY)
