"""Which value does a word on the command line mean, and how is a score shown?"""

from __future__ import annotations

from typing import Any

import pytest

from cli.drawing import score, told
from cli.feedback import read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("false", False), ("5", 5.0), ("-0.25", -0.25), ("1e3", 1_000.0), ("down", "down"),
        ("nan", "nan"), ("inf", "inf"), ("1e999", "1e999"), ("True", "True"), ("", ""),
    ],
)  # fmt: skip
def test_a_word_is_a_number_a_boolean_or_a_text(text: str, value: Any) -> None:
    found = read_value(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("value", [True, False, 5.0, -0.25, 1e30, "down"])
def test_what_is_shown_is_what_could_be_said_again(value: Any) -> None:
    assert read_value(told(value)) == value


def test_a_score_is_one_line_whatever_is_in_it() -> None:
    given = {"name": "thumbs", "value": "do\nwn", "comment": "no\x1b[31m!\n", "author": "a\tb", "span_id": "0a" * 8}
    text = score({**given, "at": "2026-01-31T12:00:00.123456789Z"}).plain
    assert text.startswith("thumbs do⟨U+000A⟩wn of span 0a0a0a0a0a0a0a0a  by a")
    assert text.isprintable()
