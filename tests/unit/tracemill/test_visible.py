"""No letter that acts on its neighbours, or on a terminal, is left as it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemill.visible import one_line, visible

ACTING = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})


@given(st.text(st.characters()))
def test_nothing_that_acts_is_left(text: str) -> None:
    for letter in visible(text):
        assert unicodedata.category(letter) not in ACTING or letter in "\u200c\u200d"


@given(st.text(st.characters(exclude_categories=[*ACTING])))
def test_everything_else_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]8;;http://evil\x07", "⟨U+001B⟩]8;;http://evil⟨U+0007⟩"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\u2066b\u200f\ufeff", "a⟨U+2066⟩b⟨U+200F⟩⟨U+FEFF⟩"),
        ("a\nb\x00\x9b", "a⟨U+000A⟩b⟨U+0000⟩⟨U+009B⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("שלום 👩\u200d💻 é\u00a0x", "שלום 👩\u200d💻 é\u00a0x"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_stay_where_they_may() -> None:
    assert visible("a\n\tb\r", keep="\n\t") == "a\n\tb⟨U+000D⟩"


def test_one_line_is_cut() -> None:
    assert one_line("a\nb", 9) == "a⟨U+000A⟩b"
    assert one_line("abcdef", 6) == "abcdef"
    assert one_line("abcdefg", 6) == "abcde…"
