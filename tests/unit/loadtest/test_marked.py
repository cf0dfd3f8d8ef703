"""What stands between the marks is replaced, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.marked import rewrite


def test_only_what_is_between_the_marks_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- b -->\nafter\n")
    rewrite(page, "<!-- a -->", "<!-- b -->", lambda old: old.strip() + " and new")
    assert page.read_text() == "before\n<!-- a -->\nold and new\n<!-- b -->\nafter\n"


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- a -->\n")
    with pytest.raises(ValueError, match="there is no place"):
        rewrite(page, "<!-- a -->", "<!-- b -->", lambda _: "")
    assert page.read_text() == "<!-- a -->\n"
