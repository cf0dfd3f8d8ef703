"""How an error is shown."""

import pytest

from tracemill.expressions.problems import ExpressionError, did_you_mean, listing


@pytest.mark.parametrize(
    ("text", "start", "end", "shown"),
    [
        ("cost > 1", 0, 4, "cost > 1\n^^^^"),
        ("a\nAND cost > 1\nOR b", 6, 10, "AND cost > 1\n    ^^^^"),
        ("a\tb", 2, 3, "a b\n  ^"),
        ("ab", 2, 2, "ab\n  ^"),
        ("a AND\nb", 0, 7, "a AND\n^^^^^"),
    ],
)
def test_pointing(text: str, start: int, end: int, shown: str) -> None:
    assert ExpressionError("wrong", text, start, end).pointing() == shown


def test_a_long_line_is_cut_around_the_place() -> None:
    shown = ExpressionError("wrong", "x" * 500 + "HERE" + "y" * 500, 500, 504).pointing().split("\n")
    assert len(shown[0]) == 96
    assert shown[0][shown[1].index("^") :].startswith("HERE")
    assert shown[1].count("^") == 4


def test_suggestions_come_only_when_something_is_close() -> None:
    assert did_you_mean("eror_count", ["error_count", "depth"]) == "; did you mean `error_count`?"
    assert did_you_mean("zzz", ["error_count", "depth"]) == ""


def test_a_listing_is_ordered_and_bounded() -> None:
    assert listing(["b", "a"]) == "a, b"
    assert listing(f"{i:03}" for i in range(70)).endswith("059 and 10 more")
