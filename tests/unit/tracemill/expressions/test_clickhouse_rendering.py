"""The SQL that ClickHouse gets, word by word; and nothing that a user wrote is ever in it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemill.expressions import parse, parse_condition
from tracemill.expressions.clickhouse_rendering import clickhouse_condition
from tracemill.schema import SPAN_KINDS, TRACE_KINDS

GOLDEN = [
    ("error_count > 0", "(`error_count` > {p0:Int64})", {"p0": 0}),
    ("trace_id = 'ab'", "(`trace_id` = {p0:String})", {"p0": "ab"}),
    (
        "started_at >= '2026-01-31T12:00:00Z'",
        "(`started_at` >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC'))",
        {"p0": 1769860800000000000},
    ),
    ("root_name IN ('a', 'b')", "(`root_name` IN {p0:Array(String)})", {"p0": ["a", "b"]}),
    (
        "error_count + 1 > 2 OR NOT complete",
        "(((toInt64(`error_count`) + {p0:Int64}) > {p1:Int64}) OR (NOT `complete`))",
        {"p0": 1, "p1": 2},
    ),
    (
        "cost_usd / 2 > 0.5",
        "(ifNotFinite((ifNotFinite(toFloat64(`cost_usd`), NULL) / {p0:Float64}), NULL) > {p1:Float64})",
        {"p0": 2.0, "p1": 0.5},
    ),
    ("root_name ILIKE 'GET_\\%%'", "like(lower(`root_name`), {p0:String})", {"p0": "get_\\%%"}),
    ("REGEXP_LIKE(route, '^/v\\d')", "match(`route`, {p0:String})", {"p0": r"\A/v[0-9]"}),
    (
        "has(models, 'x') AND len(models) = 1",
        "(has(`models`, {p0:String}) AND (toInt64(length(`models`)) = {p1:Int64}))",
        {"p0": "x", "p1": 1},
    ),
    ("any_span(name = 'a')", "(toInt64(__q0) > {p0:Int64})", {"p0": 0, "p1": "a"}),
]


@pytest.mark.parametrize(("text", "sql", "parameters"), GOLDEN, ids=[text for text, _, _ in GOLDEN])
def test_golden(text: str, sql: str, parameters: dict[str, object]) -> None:
    found = clickhouse_condition(parse_condition(text, TRACE_KINDS, SPAN_KINDS))
    assert (found.sql, dict(found.parameters)) == (sql, parameters)


def test_quantifiers_become_one_query_over_spans() -> None:
    found = clickhouse_condition(
        parse_condition("all_spans(attribute('k') = 'v') AND error_count > 0", TRACE_KINDS, SPAN_KINDS), prefix="filter"
    )
    assert found.sql == (
        "(((toInt64(__q0) > {filter0:Int64}) AND (toInt64(__q0) = toInt64(__spans))) "
        "AND (`error_count` > {filter1:Int64}))"
    )
    assert found.span_counts("spans", "tenant = {tenant:String}") == (
        "SELECT trace_id, count() AS __spans, countIf((`attributes`[{filter2:String}] = {filter3:String})) AS __q0 "
        "FROM spans WHERE tenant = {tenant:String} GROUP BY trace_id"
    )


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20).map(
        lambda text: f"<{text}>"
    )
)
def test_no_constant_is_ever_in_the_sql(value: str) -> None:
    quoted = "'" + value.replace("'", "''") + "'"
    like = "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    text = (
        f"name = {quoted} OR name IN ({quoted}) OR name LIKE {like} OR attribute({quoted}) = {quoted} "
        f"OR CONTAINS(name, {quoted}) OR COALESCE(name, {quoted}) = 'x'"
    )
    found = clickhouse_condition(parse(text, SPAN_KINDS))
    assert value not in found.sql
    assert value in found.parameters.values()
