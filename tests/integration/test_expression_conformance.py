"""Does every engine give the same for the same expression? The table conformance.yaml, and random expressions."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from chdb.session import Session
from clickhouse_connect.driver.binding import format_bind_value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracemill.expressions import Expression, parse
from tracemill.expressions.clickhouse_rendering import clickhouse_condition
from tracemill.expressions.polars_rendering import attribute_column, polars_condition, polars_expression
from tracemill.expressions.tree import SPAN_TOTAL
from tracemill.schema import Kind

pytestmark = pytest.mark.integration

KINDS: Mapping[str, Kind] = {
    "s": Kind.TEXT,
    "t": Kind.TEXT,
    "i": Kind.INTEGER,
    "j": Kind.INTEGER,
    "n": Kind.INTEGER,
    "f": Kind.NUMBER,
    "g": Kind.NUMBER,
    "b": Kind.BOOLEAN,
    "c": Kind.BOOLEAN,
    "l": Kind.TEXT_LIST,
    "at": Kind.TIME,
    "trace_id": Kind.IDENTIFIER,
    "attributes": Kind.ATTRIBUTES,
}
STORED = {
    "s": "String",
    "t": "LowCardinality(String)",
    "i": "Nullable(Int64)",
    "j": "Nullable(Int64)",
    "n": "UInt32",
    "f": "Nullable(Float64)",
    "g": "Nullable(Float64)",
    "b": "Nullable(Bool)",
    "c": "Nullable(Bool)",
    "l": "Array(LowCardinality(String))",
    "at": "Nullable(DateTime64(9, 'UTC'))",
    "trace_id": "String",
    "attributes": "Map(LowCardinality(String), String)",
}
FRAMED = {
    **dict.fromkeys(("s", "t", "trace_id"), pl.String),
    **dict.fromkeys(("i", "j"), pl.Int64),
    **dict.fromkeys(("f", "g"), pl.Float64),
    **dict.fromkeys(("b", "c"), pl.Boolean),
    "n": pl.UInt32,
    "l": pl.List(pl.String),
    "at": pl.Datetime("ns", "UTC"),
}
ABSENT = {"s": "", "t": "", "trace_id": "", "n": 0, "l": [], "attributes": {}}
TABLE = yaml.safe_load((Path(__file__).parent / "conformance.yaml").read_text())
CASES = [(text, rows) for section in TABLE.values() for text, rows in section.items()]

Row = dict[str, Any]


def complete(row: Row) -> Row:
    assert row.keys() <= KINDS.keys(), f"no such column: {row}"
    return {name: row.get(name, ABSENT.get(name)) for name in KINDS}


def on_polars(expression: Expression, rows: list[Row]) -> list[Any]:
    frame = pl.DataFrame({name: [row[name] for row in rows] for name in FRAMED}, schema=FRAMED)
    for source, key in expression.needs.attributes:
        values = [row[source].get(key, "") for row in rows]
        frame = frame.with_columns(pl.Series(attribute_column(source, key), values, dtype=pl.String))
    return frame.with_columns(result=polars_expression(expression.root))["result"].to_list()


class ClickHouse:
    """The real engine in this process, with one table of rows."""

    def __init__(self) -> None:
        self.session = Session()
        columns = ", ".join(f"{name} {stored}" for name, stored in STORED.items())
        self.session.query("DROP TABLE IF EXISTS conformance")
        self.session.query(f"CREATE TABLE conformance (row UInt32, {columns}) ENGINE = Memory")

    def close(self) -> None:
        self.session.query("DROP TABLE conformance")
        self.session.close()

    def fill(self, rows: list[Row]) -> None:
        lines = [json.dumps({"row": number} | self.stored(row)) for number, row in enumerate(rows)]
        self.session.query("TRUNCATE TABLE conformance")
        self.session.query("INSERT INTO conformance FORMAT JSONEachRow " + "\n".join(lines))

    @staticmethod
    def stored(row: Row) -> Row:
        moment = row["at"]
        return row | {
            "at": None
            if moment is None
            else f"{datetime.fromtimestamp(moment // 10**9, UTC):%F %T}.{moment % 10**9:09d}"
        }

    def evaluate(self, expressions: list[Expression]) -> list[list[Any]]:
        """The values of each expression over the rows, in their order."""
        rendered = [clickhouse_condition(expression, f"e{i}_") for i, expression in enumerate(expressions)]
        parameters = {name: format_bind_value(value) for one in rendered for name, value in one.parameters.items()}
        columns = ", ".join(f"{one.sql} AS result{i}" for i, one in enumerate(rendered))
        query = f"SELECT {columns} FROM conformance ORDER BY row SETTINGS output_format_json_quote_64bit_integers = 0"
        answer = self.session.query(query, "JSONCompactEachRow", params=parameters).bytes().decode()
        return [
            list(column) for column in zip(*(json.loads(line) for line in answer.strip("\n").split("\n")), strict=True)
        ]


@pytest.fixture(scope="module")
def clickhouse() -> Iterator[ClickHouse]:
    engine = ClickHouse()
    yield engine
    engine.close()


def same(kind: Kind, found: Any, expected: Any) -> bool:
    """Equal and of the right type; ClickHouse writes a boolean as 0 or 1, and 2.0 as 2."""
    if found is None or expected is None:
        return found is expected
    if kind is Kind.NUMBER:
        return float(found) == expected
    return bool(found) == expected if kind is Kind.BOOLEAN else found == expected


def test_the_table_is_of_a_size_that_means_something() -> None:
    assert sum(len(rows) for _, rows in CASES) > 400


@pytest.mark.parametrize(("text", "rows"), CASES, ids=[text for text, _ in CASES])
def test_engines_give_what_the_table_says(text: str, rows: list[Any], clickhouse: ClickHouse) -> None:
    expression = parse(text, KINDS)
    given_rows = [complete(row) for row, _ in rows]
    clickhouse.fill(given_rows)
    for engine, results in (
        ("Polars", on_polars(expression, given_rows)),
        ("ClickHouse", clickhouse.evaluate([expression])[0]),
    ):
        wrong = [
            (row, found, value)
            for (row, value), found in zip(rows, results, strict=True)
            if not same(expression.kind, found, value)
        ]
        assert not wrong, f"{engine}: (row, found, expected) {wrong}"


TEXTS = ["", "a", "A", "ab", "é", "É", "ß", "\u212a", "😀", "a%b", "a_b", "a\\b", "a\nb", "it's", "[x]", "(a|b)*", "\t"]
INTEGERS = [0, 1, -1, 2, 7, 2**53 + 1, 2**63 - 1, -(2**63)]
NUMBERS = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 1e-9, 3.0, 1e15 + 0.5, 2.0**53, 1e300, -1.7e308, 5e-324]
REGEXES = [
    "a",
    "^a",
    "b$",
    ".",
    "^.$",
    "(?i)A",
    "(?i)[a-b]+",
    r"\w",
    r"\bb\b",
    "a|é",
    "[^a]",
    "a{0,2}b",
    "(?s)^a.b$",
    "^$",
]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def nullable(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


ROW = st.fixed_dictionaries(
    {
        "s": st.sampled_from(TEXTS)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4),
        "t": st.sampled_from(TEXTS),
        "i": nullable(INTEGERS),
        "j": nullable(INTEGERS) | st.integers(-(2**63), 2**63 - 1),
        "n": st.sampled_from([0, 1, 7, 2**32 - 1]),
        "f": nullable(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False),
        "g": nullable(NUMBERS),
        "b": nullable([True, False]),
        "c": nullable([True, False]),
        "l": st.lists(st.sampled_from(TEXTS), max_size=2),
    }
).map(complete)


def call(name: str, *arguments: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*arguments).map(lambda parts: f"{name}({', '.join(parts)})")


def infix(left: st.SearchStrategy[str], operators: list[str], right: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(left, st.sampled_from(operators), right).map(lambda parts: f"({' '.join(parts)})")


def branching(condition: st.SearchStrategy[str], value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(condition, value, value).map(lambda p: f"CASE WHEN {p[0]} THEN {p[1]} ELSE {p[2]} END")


def conditions(depth: int) -> st.SearchStrategy[str]:
    text, integer, number = texts(depth - 1), integers(depth - 1), numbers(depth - 1)
    compared = ["=", "!=", "<", "<=", ">", ">="]
    literal = st.sampled_from(TEXTS).map(quoted)
    flat = (
        st.sampled_from(["b", "c", "TRUE"])
        | infix(text, compared, text)
        | infix(integer, compared, integer)
        | infix(number, compared, integer | number)
        | infix(
            text, ["LIKE", "ILIKE", "NOT LIKE"], st.sampled_from(["'a%'", "'%b'", "'_'", "'a_b'", r"'a\%b'", "'É%'"])
        )
        | call("REGEXP_LIKE", text, st.sampled_from(REGEXES).map(quoted))
        | call("STARTS_WITH", text, text)
        | call("ENDS_WITH", text, literal)
        | call("CONTAINS", text, text)
        | call("has", st.just("l"), text)
        | infix(text, ["IN", "NOT IN"], st.lists(literal, min_size=1, max_size=3).map(lambda p: f"({', '.join(p)})"))
        | infix(integer, ["IN", "NOT IN"], st.sampled_from(["(1)", "(0, -1, 7)", "(1, 2.5)"]))
        | st.tuples(number, number, number).map(lambda p: f"({p[0]} BETWEEN {p[1]} AND {p[2]})")
        | infix(text | integer | number, ["IS"], st.sampled_from(["NULL", "NOT NULL"]))
    )
    if depth <= 0:
        return flat
    inner = st.deferred(lambda: conditions(depth - 1))
    return (
        flat
        | infix(inner, ["AND", "OR"], inner)
        | inner.map(lambda part: f"(NOT {part})")
        | infix(inner, ["IS"], st.sampled_from(["TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "NULL"]))
        | branching(inner, inner)
    )


def texts(depth: int) -> st.SearchStrategy[str]:
    flat = st.sampled_from(["s", "t"]) | st.sampled_from(TEXTS).map(quoted)
    if depth <= 0:
        return flat
    inner = texts(depth - 1)
    return (
        flat
        | call("LOWER", inner)
        | call("UPPER", inner)
        | call("COALESCE", inner, inner)
        | branching(st.deferred(lambda: conditions(depth - 1)), inner)
    )


def integers(depth: int) -> st.SearchStrategy[str]:
    flat = st.sampled_from(["i", "j", "n", "len(l)"]) | st.sampled_from(INTEGERS).map(str)
    if depth <= 0:
        return flat
    inner = integers(depth - 1)
    return (
        flat
        | call("LENGTH", texts(depth - 1))
        | infix(inner, ["+", "-", "*"], inner)
        | infix(inner, ["%"], st.sampled_from(["1", "3", "10"]))
        | inner.map(lambda part: f"(-{part})" if not part.startswith("-") else part)
        | call("ABS", inner)
        | call("COALESCE", inner, inner)
        | call("GREATEST", inner, inner)
        | branching(st.deferred(lambda: conditions(depth - 1)), inner)
    )


def numbers(depth: int) -> st.SearchStrategy[str]:
    flat = st.sampled_from(["f", "g"]) | st.sampled_from(NUMBERS).map(repr)
    if depth <= 0:
        return flat
    inner = numbers(depth - 1)
    either = inner | integers(depth - 1)
    return (
        flat
        | infix(inner, ["+", "-", "*"], either)
        | infix(either, ["/"], either)
        | call("ROUND", inner, st.sampled_from(["0", "1", "2"]))
        | call("ABS", inner)
        | call("FLOOR", inner)
        | call("CEIL", inner)
        | call("LEAST", inner, either)
        | call("COALESCE", inner, either)
        | branching(st.deferred(lambda: conditions(depth - 1)), inner)
    )


ANY = conditions(2) | texts(2) | integers(2) | numbers(2)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ANY, min_size=25, max_size=25), st.lists(ROW, min_size=8, max_size=8))
def test_random_expressions_give_the_same(clickhouse: ClickHouse, written: list[str], rows: list[Row]) -> None:
    expressions = [parse(text, KINDS) for text in written]
    clickhouse.fill(rows)
    for expression, there in zip(expressions, clickhouse.evaluate(expressions), strict=True):
        here = on_polars(expression, rows)
        for row, mine, theirs in zip(rows, here, there, strict=True):
            assert same(expression.kind, theirs, mine), (expression.text, row, mine, theirs)
            assert not isinstance(mine, float) or math.isfinite(mine)


SPANS: Mapping[str, Kind] = {"tool_name": Kind.TEXT, "duration_ns": Kind.INTEGER}
TRACES: Mapping[str, list[tuple[str, int | None]]] = {
    "none": [],
    "sql": [("sql", 1), ("", None)],
    "slow": [("sql", 500), ("http", 500), ("sql", 400)],
    "unknown": [("", None)],
}
QUANTIFIED = {
    "any_span(tool_name = 'sql')": ["slow", "sql"],
    "NOT any_span(tool_name = 'sql')": ["none", "unknown"],
    "all_spans(duration_ns > 100)": ["slow"],
    "NOT all_spans(duration_ns > 100)": ["none", "sql", "unknown"],
    "count_spans(tool_name = 'sql') >= 2 AND trace_id != 'x'": ["slow"],
    "count_spans(duration_ns > 100) - count_spans(tool_name = 'sql') = 1": ["slow"],
    "count_spans(NOT duration_ns > 100) = 1": ["sql"],
}


@pytest.mark.parametrize(("text", "expected"), QUANTIFIED.items())
def test_quantifiers_on_both_engines(text: str, expected: list[str], clickhouse: ClickHouse) -> None:
    expression = parse(text, {"trace_id": Kind.IDENTIFIER}, SPANS)
    assert quantified_on_polars(expression) == expected
    condition = clickhouse_condition(expression)
    rows = ", ".join(f"('{trace}', '{tool}', {span or 'NULL'})" for trace in TRACES for tool, span in TRACES[trace])
    spans = f"values('trace_id String, tool_name String, duration_ns Nullable(Int64)', {rows})"
    names = ", ".join(f"('{trace}')" for trace in TRACES)
    traces = f"values('trace_id String', {names})"
    query = (
        f"SELECT trace_id FROM {traces} AS t LEFT JOIN ({condition.span_counts(spans, 'trace_id != {scope:String}')}) "
        f"AS counts USING (trace_id) WHERE {condition.sql} ORDER BY trace_id"
    )
    values = {name: format_bind_value(value) for name, value in {**condition.parameters, "scope": "y"}.items()}
    found = clickhouse.session.query(query, "JSONCompactEachRow", params=values).bytes().decode()
    assert [json.loads(line)[0] for line in found.split("\n") if line] == expected


def quantified_on_polars(expression: Expression) -> list[str]:
    columns: dict[str, list[Any]] = {"trace_id": list(TRACES), SPAN_TOTAL: [len(spans) for spans in TRACES.values()]}
    for index, quantifier in enumerate(expression.quantifiers):
        matching = polars_expression(quantifier).fill_null(value=False)
        schema = {"tool_name": pl.String, "duration_ns": pl.Int64}
        frames = [pl.DataFrame(spans, schema=schema, orient="row") for spans in TRACES.values()]
        columns[f"q{index}"] = [frame.with_columns(found=matching)["found"].sum() for frame in frames]
    names = [name for name in columns if name.startswith("q")]
    return sorted(pl.DataFrame(columns).filter(polars_condition(expression, names))["trace_id"].to_list())
