"""LIKE against the simplest matcher there is."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemill.expressions.patterns import LikePattern, Wildcard, lower_ascii, read_like

TEXT = st.text(st.sampled_from("aAkK\u212aéÉ%_\\.*\n😀"), max_size=6)


def fits(pieces: tuple[str | Wildcard, ...], text: str) -> bool:
    """Piece by piece, trying everything."""
    if not pieces:
        return text == ""
    piece, rest = pieces[0], pieces[1:]
    if piece is Wildcard.ONE:
        return text != "" and fits(rest, text[1:])
    if piece is Wildcard.ANY:
        return any(fits(rest, text[start:]) for start in range(len(text) + 1))
    assert isinstance(piece, str)
    return text.startswith(piece) and fits(rest, text[len(piece) :])


@settings(deadline=None)
@given(TEXT, TEXT, st.booleans())
def test_the_regular_expression_fits_what_the_pieces_fit(pattern: str, text: str, ignore_case: bool) -> None:
    try:
        like = read_like(pattern, ignore_case)
    except ValueError:
        assert pattern.endswith("\\")
        return
    found = re.search(like.regex().replace(r"\z", r"\Z"), text) is not None
    assert found == fits(like.pieces, lower_ascii(text) if ignore_case else text)


@settings(deadline=None)
@given(TEXT, st.booleans())
def test_the_sql_pattern_reads_as_the_same_pieces(pattern: str, ignore_case: bool) -> None:
    try:
        like = read_like(pattern, ignore_case)
    except ValueError:
        return
    assert read_like(like.sql(), ignore_case) == like


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        ("", ()),
        ("a%%b", ("a", Wildcard.ANY, "b")),
        ("%_%", (Wildcard.ANY, Wildcard.ONE, Wildcard.ANY)),
        (r"50\%\_\\x\y", (r"50%_\xy",)),
    ],
)
def test_pieces(pattern: str, pieces: tuple[str | Wildcard, ...]) -> None:
    assert read_like(pattern, ignore_case=False) == LikePattern(pieces, ignore_case=False)
