"""What an expression says of itself: its canonical text, what it needs, its quantifiers."""

import pytest

from tracemill.expressions import parse, parse_condition
from tracemill.expressions.tree import Column, Compare, Literal, Logic, SpanCount, SpanTotal, Widen
from tracemill.schema import SPAN_KINDS, TRACE_KINDS, Kind

ONE = Literal(1, Kind.INTEGER)
ERRORS = Column("error_count", Kind.INTEGER)
COST = Column("cost_usd", Kind.NUMBER)


@pytest.mark.parametrize(
    "text",
    [
        "error_count > 1 and route = 'It''s' -- why",
        "error_count>1 AND route='It''s'",
        "error_count /* errors */ > 1\n  And route = 'It''s'",
    ],
)
def test_spaces_comments_and_keywords_dont_change_the_canonical_text(text: str) -> None:
    canonical = parse_condition(text, TRACE_KINDS).canonical
    assert canonical == "error_count > 1 AND route = 'It''s'"
    assert parse_condition(canonical, TRACE_KINDS).canonical == canonical


def test_other_texts_have_other_canonical_texts() -> None:
    texts = ["route = 'a'", "route = 'A'", "route = 'a '", "'a' = route", "(route = 'a')", "route != 'a'"]
    assert len({parse(text, TRACE_KINDS).canonical for text in texts}) == len(texts)


def test_needs_tell_columns_and_attributes_of_each_frame() -> None:
    found = parse(
        "error_count > 0 AND any_span(tool_name = 'x' AND attribute('a') = resource_attribute('b'))",
        TRACE_KINDS,
        SPAN_KINDS,
    )
    assert found.needs.columns == {"error_count"}
    assert found.needs.attributes == frozenset()
    assert found.span_needs.columns == {"tool_name"}
    assert found.span_needs.attributes == {("attributes", "a"), ("resource_attributes", "b")}


def test_equal_quantifiers_are_counted_once() -> None:
    found = parse(
        "any_span(kind = 'A') AND count_spans((kind) = 'A') > 1 OR all_spans(kind = 'B')", TRACE_KINDS, SPAN_KINDS
    )
    assert len(found.quantifiers) == 2


def test_all_spans_asks_for_one_at_least() -> None:
    found = parse("all_spans(kind = 'A')", TRACE_KINDS, SPAN_KINDS)
    some = Compare(">", SpanCount(0), Literal(0, Kind.INTEGER))
    assert found.root == Logic("AND", (some, Compare("=", SpanCount(0), SpanTotal())))


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("error_count > 1", Compare(">", ERRORS, ONE)),
        ("error_count > 1.0", Compare(">", ERRORS, ONE)),
        ("error_count > 1e0", Compare(">", ERRORS, ONE)),
        ("error_count > 0.5", Compare(">", Widen(ERRORS), Literal(0.5, Kind.NUMBER))),
        ("error_count > 1e30", Compare(">", Widen(ERRORS), Literal(1e30, Kind.NUMBER))),
        ("cost_usd > 1", Compare(">", COST, Literal(1.0, Kind.NUMBER))),
        ("cost_usd > error_count", Compare(">", COST, Widen(ERRORS))),
    ],
)
def test_both_sides_come_to_one_kind(text: str, root: object) -> None:
    assert parse(text, TRACE_KINDS).root == root


@pytest.mark.parametrize("column", sorted(name for name, kind in SPAN_KINDS.items() if kind is Kind.TEXT))
def test_the_canonical_text_names_the_same_columns(column: str) -> None:
    """Also where a column's name is a word of SQL: a rule set is handed on in this form."""
    canonical = parse_condition(f"any_span(({column}) = 'a')", TRACE_KINDS, SPAN_KINDS).canonical
    assert canonical == f"any_span ( ( {column} ) = 'a' )"
    assert parse_condition(canonical, TRACE_KINDS, SPAN_KINDS).canonical == canonical
