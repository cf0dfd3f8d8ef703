"""A run's row replaces that of its length and seed, and all else on the page stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.chaos.page import BEGIN, END, write_row
from loadtest.chaos.report import HEAD, markdown_row

REST = len(HEAD) - 2


def _row(seconds: int, seed: int, value: str) -> list[str]:
    return [str(seconds), str(seed), *[value] * REST]


def test_rows_are_added_in_order_and_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{BEGIN}\n{END}\n\nThe end.\n")
    for row in (_row(600, 2, "b"), _row(120, 10, "a"), _row(600, 10, "c"), _row(600, 2, "d")):
        write_row(page, row)
    before, table, after = page.read_text().partition(BEGIN)[0], page.read_text().splitlines()[3:-3], "The end."
    assert before == "# Title\n\n"
    assert table[0] == markdown_row(HEAD)
    assert table[2:] == [markdown_row(row) for row in (_row(120, 10, "a"), _row(600, 2, "d"), _row(600, 10, "c"))]
    assert page.read_text().endswith(f"{END}\n\n{after}\n")


def test_a_page_without_a_place_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="there is no place"):
        write_row(page, _row(1, 1, "x"))
