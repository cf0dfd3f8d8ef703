"""What conformance.yaml, which runs on all engines, can't say: frames of other types, quantifiers, sizes of a flush."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemill.expressions import parse, parse_condition
from tracemill.expressions.polars_rendering import (
    BINARY_IDENTIFIERS,
    attribute_column,
    polars_condition,
    polars_expression,
)
from tracemill.expressions.tree import SPAN_TOTAL
from tracemill.schema import SPAN_KINDS, TRACE_KINDS, Kind


def test_narrow_and_unsigned_counts_dont_wrap() -> None:
    frame = pl.DataFrame({"error_count": [0, 255]}, schema={"error_count": pl.UInt8})
    expression = parse("error_count - 1", TRACE_KINDS)
    assert frame.select(x=polars_expression(expression.root))["x"].to_list() == [-1, 254]


def test_an_enum_compares_as_text() -> None:
    frame = pl.DataFrame({"kind": ["CLIENT", "SERVER"]}, schema={"kind": pl.Enum(["CLIENT", "SERVER"])})
    expression = parse_condition("kind IN ('SERVER', 'NO_SUCH')", SPAN_KINDS)
    assert frame.select(x=polars_condition(expression))["x"].to_list() == [False, True]


def test_binary_identifiers_are_lower_case_hex_and_a_roots_parent_is_absent() -> None:
    ids = [bytes(8), bytes.fromhex("00000000000000Ab"), bytes.fromhex("ab00000000000000")]
    column = pl.Series("parent_span_id", ids, dtype=pl.Binary)
    expression = parse("COALESCE(parent_span_id, 'root')", SPAN_KINDS)
    rendered = polars_expression(expression.root, access=BINARY_IDENTIFIERS)
    assert pl.DataFrame([column]).select(x=rendered)["x"].to_list() == ["root", "00000000000000ab", "ab00000000000000"]


def test_attributes_are_columns_of_their_own() -> None:
    frame = pl.DataFrame({attribute_column("attributes", "http.route"): ["/a", ""]})
    expression = parse_condition("attribute('http.route') = '/a'", SPAN_KINDS)
    assert frame.select(x=polars_condition(expression))["x"].to_list() == [True, False]


def test_quantifiers_read_the_counts() -> None:
    frame = pl.DataFrame({"a": [0, 1, 2], "b": [2, 1, 2], SPAN_TOTAL: [2, 2, 2]})
    expression = parse_condition(
        "any_span(kind = 'A') AND all_spans(kind = 'B') AND count_spans(kind = 'A') > 1", TRACE_KINDS, SPAN_KINDS
    )
    assert frame.select(x=polars_condition(expression, ["a", "b"]))["x"].to_list() == [False, False, True]


def test_a_condition_that_is_null_doesnt_hold() -> None:
    frame = pl.DataFrame({"cost_usd": [None, 1.0]})
    assert frame.select(x=polars_condition(parse_condition("cost_usd > 0", TRACE_KINDS)))["x"].to_list() == [
        False,
        True,
    ]


def test_numbers_that_arent_finite_are_null() -> None:
    frame = pl.DataFrame({"cost_usd": [float("nan"), float("inf"), float("-inf"), 1.0]})
    found = frame.select(x=polars_condition(parse_condition("cost_usd IS NULL", TRACE_KINDS)))["x"].to_list()
    assert found == [True, True, True, False]


ARITHMETIC = ["f / 49", "i / 3 + f / 10", "ROUND(f, 2)", "f / g", "49 / f", "COALESCE(f, 1) / 7", "(f + 1) / (2 + 5)"]
NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(1, 2000).map(float)
ROW = st.fixed_dictionaries({"f": NUMBER, "g": NUMBER, "i": st.none() | st.integers(-1000, 1000)})


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(ROW, min_size=2, max_size=20))
def test_a_row_gives_the_same_alone_and_among_others(rows: list[dict[str, float | None]]) -> None:
    """Polars divides by a constant in another way when a frame has one row."""
    kinds = {"f": Kind.NUMBER, "g": Kind.NUMBER, "i": Kind.INTEGER}
    frame = pl.DataFrame(rows, schema={"f": pl.Float64, "g": pl.Float64, "i": pl.Int64})
    rendered = [polars_expression(parse(text, kinds).root).alias(text) for text in ARITHMETIC]
    together = frame.with_columns(rendered).rows()
    assert together == [frame[i : i + 1].with_columns(rendered).row(0) for i in range(len(rows))]


@pytest.mark.parametrize("complete", [True, False, None])
@pytest.mark.parametrize(
    "text",
    [
        "0 = CASE WHEN complete THEN 0 ELSE 1 END",
        "CASE WHEN complete THEN 0 END = CASE WHEN complete THEN 0 END",
        "NOT 0 = -CASE WHEN complete THEN 0 ELSE 1 END",
        "0 = COALESCE(CASE WHEN complete THEN 0 END, 1)",
        "'' = CASE WHEN complete THEN '' END",
        "0 = CASE WHEN NOT complete THEN depth ELSE 0 END",
        "COALESCE(complete, FALSE)",
    ],
)
def test_a_condition_that_holds_in_all_rows_still_gives_all_rows(text: str, complete: bool | None) -> None:
    types = {"complete": pl.Boolean, "depth": pl.Int64}
    frame = pl.DataFrame({"complete": [complete] * 3, "depth": [0] * 3}, schema=types)
    assert frame.with_columns(x=polars_condition(parse_condition(text, TRACE_KINDS)))["x"].len() == 3


@pytest.mark.parametrize("height", [0, 1, 3])
@pytest.mark.parametrize(
    "text", ["TRUE", "1 IN (1, 2)", "COALESCE(cost_usd, 1) = 1", "'a' LIKE 'b'", "1 / 2 = 0.5 AND complete"]
)
def test_there_is_one_value_a_row_whatever_is_constant(text: str, height: int) -> None:
    frame = pl.DataFrame(
        {"cost_usd": [None] * height, "complete": [True] * height},
        schema={"cost_usd": pl.Float64, "complete": pl.Boolean},
    )
    assert frame.with_columns(x=polars_condition(parse_condition(text, TRACE_KINDS)))["x"].len() == height
