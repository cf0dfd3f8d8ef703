"""What can't be read as one expression says where reading stopped."""

import pytest

from tracemill.expressions import syntax
from tracemill.expressions.problems import ExpressionError
from tracemill.expressions.syntax import parse_syntax


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("", "the expression is empty", ""),
        ("-- nothing", "the expression is empty", "-- nothing"),
        ("a > ", "something is missing after `>`", ">"),
        ("a AND", "something is missing after `AND`", "AND"),
        ("(a > 1", "expected `)` after `1`", "1"),
        ("a > 1)", "`)` isn't expected here", ")"),
        ("a b", "`b` isn't expected here", "b"),
        ("SELECT 1", "`SELECT` isn't expected here", "SELECT"),
        ("a{:0}", "`{` isn't expected here", "{"),
        ("a = ARRAY[1]", "`[` isn't expected here", "["),
        ("a = '{[x]}' AND b }", "`}` isn't expected here", "}"),
        ("a; b", "expected one expression, without `;`", ";"),
        ("a = 'x", "a quote or comment that begins here isn't closed", "'x"),
        ("a = 'it''s' AND b = 'x", "a quote or comment that begins here isn't closed", "'x"),
        ('a = "x', "a quote or comment that begins here isn't closed", '"x'),
        ("a /* x", "a quote or comment that begins here isn't closed", "/* x"),
        ("a = 1 -- it's\n AND 'b", "a quote or comment that begins here isn't closed", "'b"),
    ],
)
def test_unreadable(text: str, message: str, marked: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_syntax(text)
    assert caught.value.message == message
    assert text[caught.value.start : caught.value.end] == marked


def test_a_text_that_the_parser_stumbles_over_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the fuzzer, with braces; here they are let through to it."""
    monkeypatch.setattr(syntax, "_FOREIGN", frozenset())
    with pytest.raises(ExpressionError, match="can't be read as an SQL expression"):
        parse_syntax("ce{:000}t00}true")
