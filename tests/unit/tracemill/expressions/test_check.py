"""Every refusal says what is wrong, points at it, and says what can be written instead."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemill.expressions import Expression, ExpressionError, parse, parse_condition
from tracemill.expressions.check import MAX_LEVELS
from tracemill.expressions.operators import MAX_LIST
from tracemill.schema import SPAN_KINDS, TRACE_KINDS, Kind

REFUSED = yaml.safe_load((Path(__file__).parent / "refused.yaml").read_text())


@pytest.mark.parametrize("case", REFUSED, ids=[case["refused"] for case in REFUSED])
def test_what_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_condition(case["refused"], TRACE_KINDS, SPAN_KINDS)
    error = caught.value
    assert error.message.startswith(case.get("says", "")), error.message
    assert case["refused"][error.start : error.end] == case["under"]


def test_an_unknown_column_lists_those_there_are() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("nothing = 1", {"b": Kind.INTEGER, "a": Kind.TEXT, "map": Kind.ATTRIBUTES})
    assert caught.value.message == "unknown column `nothing`\nColumns: a, b"


def test_span_quantifiers_are_refused_where_there_are_no_spans() -> None:
    with pytest.raises(ExpressionError, match="there are no spans to look through here"):
        parse_condition("any_span(kind = 'x')", SPAN_KINDS)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 30 + "complete" + ")" * 30,
        "NOT " * 100 + "complete",
        "NOT " * 700 + "complete",
        " + ".join(["error_count"] * (MAX_LEVELS + 1)) + " > 0",
        "- " * 300 + "error_count > 0",
        "CASE WHEN complete THEN " * 25 + "1" + " END" * 25 + " = 1",
        "root_name IN (" + ", ".join(f"'{i}'" for i in range(MAX_LIST + 1)) + ")",
        " OR ".join(["complete"] * 500),
        "root_name = '" + "x" * 5000 + "'",
        "root_name = '\0'",
    ],
)
def test_what_is_too_large_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_condition(text, TRACE_KINDS, SPAN_KINDS)


def test_a_long_chain_of_conditions_is_taken() -> None:
    assert parse_condition(" OR ".join(f"error_count = {i}" for i in range(190)), TRACE_KINDS).kind is Kind.BOOLEAN


WORDS = st.sampled_from(
    """complete error_count root_name models started_at 1 0.5 'x' NULL TRUE ( ) , AND OR NOT = < + - * / % IN IS LIKE
    BETWEEN CASE WHEN THEN ELSE END any_span attribute ROUND COALESCE LENGTH has ; . :: [ ] { } -- /* ' " $ ? @ # ~
    SELECT FROM OVER DISTINCT INTERVAL now cast union é 😀""".split()  # noqa: SIM905 - the words are easier to read so
)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=14).map(" ".join) | st.text(max_size=60))
def test_any_text_is_an_expression_or_an_error_with_a_place(text: str) -> None:
    found = attempt(text)
    if isinstance(found, ExpressionError):
        assert 0 <= found.start <= found.end <= len(text)
        line, carets = found.pointing().split("\n")
        assert carets.strip(" ").strip("^") == ""
        assert len(line) <= 96


def attempt(text: str) -> Expression | ExpressionError:
    try:
        return parse(text, TRACE_KINDS, SPAN_KINDS)
    except ExpressionError as error:
        return error
