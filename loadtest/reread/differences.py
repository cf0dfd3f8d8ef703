"""What is not the same, told so that someone can look it up: which row, which columns, both values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Row = Mapping[str, Any]

SHOWN: Final = 160
"""Letters of a value; lists of offsets and ids can be long."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one run and another tell first that isn't the same.

    `same` says that both are one row with other values; else each is a row that the other run tells elsewhere, or
    nowhere. `place` counts the rows before it where their order matters. `one_at` is where the other run tells `one`,
    `other_at` where the one run tells `other`.
    """

    one: Row | None
    other: Row | None
    same: bool
    place: int | None = None
    one_at: int | None = None
    other_at: int | None = None

    def lines(self, where: str, one: str, other: str) -> Iterator[str]:
        """In words; `where` it was found, and the names of the two runs."""
        yield where if self.place is None else f"{where}, row {self.place}"
        if self.same and self.one is not None and self.other is not None:
            yield f"  {_name(self.one)}:"
            for column in changed(self.one, self.other):
                yield f"    {column}: {_value(self.one[column])} in {one}, {_value(self.other[column])} in {other}"
            return
        yield from _unpaired(self.one, self.one_at, one, other)
        yield from _unpaired(self.other, self.other_at, other, one)


def changed(one: Row, other: Row) -> list[str]:
    """The columns in which two rows differ."""
    return [column for column in one if one[column] != other[column]]


def _unpaired(row: Row | None, at: int | None, teller: str, listener: str) -> Iterator[str]:
    if row is not None:
        where = f"{listener}: nowhere" if at is None else f"{listener}: at row {at}"
        yield f"  {teller}: {_name(row)}; in {where}"


def _name(row: Row) -> str:
    words = [f"trace {_value(row['trace_id'])}"]
    words += [f"span {_value(row['span_id'])}"] if "span_id" in row else []
    words += [f"tenant {row['tenant']}", f"revision {row['revision']}"]
    words += [f"{name} {row[name]}" for name in ("row", "cause", "version") if name in row]
    return ", ".join(words)


def _value(value: Any) -> str:
    text = value.hex() if isinstance(value, bytes) else value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
