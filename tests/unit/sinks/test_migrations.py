"""Which statements make the store, on one server and on a cluster?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sinks.migrations import Layout, render, script
from tracemill.schema import SPAN, TRACE

GOLDEN = Path(__file__).parents[2] / "golden" / "sinks"
SINGLE = Layout("tracemill", "", 30)
CLUSTER = Layout("tracemill", "main", 30)


@pytest.mark.parametrize(("layout", "name"), [(SINGLE, "schema.sql"), (CLUSTER, "schema_cluster.sql")])
def test_the_statements_are_those_that_were_reviewed(layout: Layout, name: str) -> None:
    assert script(render(layout)) == (GOLDEN / name).read_text()


@pytest.mark.parametrize("layout", [SINGLE, CLUSTER])
def test_every_statement_can_run_twice(layout: Layout) -> None:
    for statement in render(layout):
        assert re.match(r"CREATE (TABLE|VIEW|MATERIALIZED VIEW|DATABASE) IF NOT EXISTS |ALTER TABLE", statement.sql)
        assert statement.repeatable == statement.sql.startswith("ALTER")


@pytest.mark.parametrize("layout", [SINGLE, CLUSTER])
def test_a_file_holds_one_statement_with_nothing_left_to_fill_in(layout: Layout) -> None:
    for statement in render(layout):
        assert ";" not in statement.sql
        assert not re.search(r"\{\w*\}", statement.sql)


def test_numbers_are_unique_and_without_gaps() -> None:
    numbers = [int(statement.name[:3]) for statement in render(CLUSTER) if not statement.repeatable]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_statement_of_a_cluster_runs_on_all_of_it_and_stores_on_replicas() -> None:
    for statement in render(CLUSTER):
        assert "ON CLUSTER 'main'" in statement.sql
        assert not re.search(r"ENGINE = (?!Replicated)\w*MergeTree", statement.sql)


def test_shards_are_chosen_by_tenant_and_trace_id() -> None:
    distributed = [each.sql for each in render(CLUSTER) if "Distributed(" in each.sql]
    assert len(distributed) == 4
    assert all("cityhash64(tenant, trace" in sql.lower() for sql in distributed)


def test_another_retention_changes_only_what_may_be_repeated() -> None:
    changed = [
        before.name
        for before, after in zip(render(SINGLE), render(Layout("tracemill", "", 7)), strict=True)
        if before.checksum != after.checksum
    ]
    assert changed == ["retention_scores", "retention_spans", "retention_traces"]


def columns(sql: str) -> list[str]:
    """Names after AS in a view, or those that begin a line of a table."""
    return re.findall(r"^    (?:.* AS )?`?(\w+)`?(?: .*)?,?$", sql, re.MULTILINE)


def by_name(name: str) -> str:
    return next(each.sql for each in render(SINGLE) if each.name[4:] == name)


def test_the_landing_tables_and_views_have_the_columns_of_the_schema_in_their_order() -> None:
    spans, traces = [column.name for column in SPAN], [column.name for column in TRACE]
    assert [name for name in columns(by_name("spans_in")) if name in spans] == spans
    assert [name for name in columns(by_name("traces_in")) if name in traces] == traces
    assert columns(by_name("traces_latest")) == traces
    assert re.findall(r" AS (\w+),?$", by_name("spans"), re.MULTILINE) == spans
