"""What do the rows of `decisions.v1` say, in the words of the independent reader?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from loadtest.reader.decisions import Row
from loadtest.reader.facts import Verdict

DECIDED: Final = "decided"


def new_revisions(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The rows that decide something: those of repeated spans alone keep their trace's revision and are left out."""
    latest: dict[tuple[Any, ...], int] = {}
    for row in rows:
        trace = (row["trace_id"], row["tenant"], row["opened_at"])
        if row["row"] == DECIDED and row["revision"] != latest.get(trace):
            latest[trace] = row["revision"]
            yield row


def decided(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The revisions that rows of one partition tell, in their order."""
    return [row_of(row) for row in new_revisions(rows)]


def row_of(row: Mapping[str, Any]) -> Row:
    """A revision."""
    return Row(
        row["trace_id"] + row["tenant"].encode(),
        row["revision"],
        row["closed_by"],
        row["at"],
        row["cause"],
        row["opened_at"],
        row["rooted"],
        frozenset(number.to_bytes(8, "little") for number in row["span_ids"]),
    )


def verdict_of(row: Mapping[str, Any]) -> Verdict:
    """What it decides."""
    return Verdict(row["keep"], row["policy"], row["probability"])
