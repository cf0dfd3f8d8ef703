"""How does a command write its part of a page, and leave all else as it is? Between two marks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def rewrite(page: Path, begin: str, end: str, made: Callable[[str], str]) -> None:
    """Put what `made` makes of the lines between two marks of a page in their place; the marks are lines of their own.

    Raises:
        ValueError: the page has no such marks.
    """
    text = page.read_text()
    if begin not in text or end not in text:
        raise ValueError(f"{page}: there is no place for the table: a line `{begin}` and a line `{end}`")
    before, _, rest = text.partition(begin)
    between, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n{made(between)}\n{end}{after}")
