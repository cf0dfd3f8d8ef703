"""How does a run get its row in docs/guarantees.md? It replaces that of the run of its length and seed, or is added."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from loadtest.chaos.report import HEAD, markdown_row
from loadtest.marked import rewrite

BEGIN: Final = "<!-- chaos runs, written by make chaos -->"
END: Final = "<!-- end of chaos runs -->"
_KEY_CELLS: Final = 2


def write_row(page: Path, cells: Sequence[str]) -> None:
    """Put a run into the table between the marks of a page.

    Raises:
        ValueError: the page has no such marks.
    """
    rewrite(page, BEGIN, END, lambda table: with_row(table, cells))


def with_row(table: str, cells: Sequence[str]) -> str:
    """A table with this row, in the order of lengths and seeds."""
    rows = {_key(row): row for line in table.splitlines()[:] if (row := _cells(line)) and row[0].isdigit()}
    rows[_key(cells)] = tuple(cells)
    rule = ["--:", "--:", ":--", *["--:"] * (len(HEAD) - 3)]
    return "\n".join(map(markdown_row, [HEAD, rule, *(rows[key] for key in sorted(rows))]))


def _key(cells: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(cell) for cell in cells[:_KEY_CELLS])


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|")) if line.startswith("|") else ()
