"""Conditions: an ExpressionError, or an expression that every engine is told, and that reads back as the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import polars as pl
import yaml

from tests.fuzz.seeds import TESTS, rules_files
from tests.fuzz.target import Target
from tracemill.expressions import ExpressionError, Needs, parse_condition
from tracemill.expressions.clickhouse_rendering import clickhouse_condition
from tracemill.expressions.polars_rendering import attribute_column, polars_condition, polars_expression
from tracemill.expressions.tree import SPAN_TOTAL
from tracemill.schema import SPAN_KINDS, TRACE_KINDS, Kind

_ROWS: Final[dict[Kind, tuple[list[Any], Any]]] = {
    Kind.TEXT: (["", "é%_\\"], pl.String),
    Kind.IDENTIFIER: (["", "ab" * 16], pl.String),
    Kind.INTEGER: ([None, -(2**63)], pl.Int64),
    Kind.NUMBER: ([None, 5e-324], pl.Float64),
    Kind.BOOLEAN: ([None, True], pl.Boolean),
    Kind.TIME: ([None, 2**63 - 1], pl.Datetime("ns", "UTC")),
    Kind.TEXT_LIST: ([[], ["a", ""]], pl.List(pl.String)),
}
_COLUMNS: Final = {
    **{"s": "root_name", "t": "service_name", "i": "error_count", "j": "span_count", "n": "hops", "f": "cost_usd"},
    **{"g": "duration_ms", "b": "complete", "c": "guardrail_flags IS NULL", "l": "models", "at": "started_at"},
}
"""What the table of all engines calls its columns, in words of the trace."""
_NAMES: Final = re.compile(rf"\b({'|'.join(_COLUMNS)})\b(?=([^']*'[^']*')*[^']*$)")
"""Outside of quotes."""
_WORDS: Final = (
    "AND", "OR", "NOT", "IS NULL", "IN (", "BETWEEN", "LIKE", "ILIKE", "REGEXP_LIKE(", "CASE WHEN", "THEN", "ELSE",
    "END", "any_span(", "all_spans(", "count_spans(", "attribute('", "resource_attribute('", "has(", "STARTS_WITH(",
    "COALESCE(", "ROUND(", "TO_INTEGER(", "LENGTH(", "SUBSTRING(", "LOWER(", "error_count", "duration_ms", "root_name",
    "models", "started_at", "complete", "tool_name", "CAST(", "INTERVAL '", "(SELECT", "::", "$$", "E'", "/*", "--",
    "(a+)+$", "[[:alpha:]]", "{1000}", "9223372036854775808", "1e999", "''", '"', "U&'", "@>", "->>", "?", ":=",
)  # fmt: skip


def check_condition(data: bytes) -> None:
    """Read it; render it for both engines; evaluate it; read again what it says in its plain form."""
    text = data.decode("utf-8", "replace")
    try:
        expression = parse_condition(text, TRACE_KINDS, SPAN_KINDS)
    except ExpressionError as error:
        assert 0 <= error.start <= error.end <= max(len(text), 1)
        assert error.pointing()
        return
    assert clickhouse_condition(expression).sql
    spans = _frame(expression.span_needs, SPAN_KINDS)
    assert spans.with_columns(
        polars_expression(root).alias(f"counted {place}") for place, root in enumerate(expression.quantifiers)
    ).height
    counts = [f"count {place}" for place in range(len(expression.quantifiers))]
    traces = _frame(expression.needs, TRACE_KINDS).with_columns(pl.lit(1).alias(name) for name in (*counts, SPAN_TOTAL))
    assert traces.select(x=polars_condition(expression, counts))["x"].null_count() == 0
    assert parse_condition(expression.canonical, TRACE_KINDS, SPAN_KINDS).canonical == expression.canonical


def _frame(needs: Needs, kinds: Any) -> pl.DataFrame:
    columns = {name: _series(kinds[name]) for name in needs.columns}
    columns |= {attribute_column(*place): pl.Series(["", "1"], dtype=pl.String) for place in needs.attributes}
    return pl.DataFrame({"row": [0, 1]} | columns)


def _series(kind: Kind) -> pl.Series:
    values, dtype = _ROWS[kind]
    return pl.Series(values, dtype=dtype)


def _seeds() -> Iterator[bytes]:
    conditions = [
        rule[key]
        for text in rules_files()
        for rule in yaml.safe_load(text).get("rules", ())
        for key in ("keep", "drop", "when")
        if key in rule
    ]
    refused = yaml.safe_load((TESTS / "unit/tracemill/expressions/refused.yaml").read_text())
    conformance = yaml.safe_load((TESTS / "integration/conformance.yaml").read_text())
    told = [_NAMES.sub(lambda name: _COLUMNS[name[0]], text) for section in conformance.values() for text in section]
    yield from (str(text).encode() for text in (*conditions, *(one["refused"] for one in refused), *told))


TARGET: Final = Target(check_condition, _seeds, tuple(word.encode() for word in _WORDS), largest_bytes=4_200)
