"""Do the keys of the store leave little to read for the questions that are asked most? Plans against golden files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.frames import NOW_NS, batch, lean_rows, span_record, trace_record
from tests.builders.stored import insert_spans, insert_traces, rows
from tracemill.config import Store

pytestmark = pytest.mark.integration

GOLDEN = Path(__file__).parents[1] / "golden" / "sinks"

HOURS = 48
HOURS_A_BLOCK = 12
HOUR_NS = 3_600_000_000_000
ASKED = 30
"""The hour that the questions are about."""

SPAN_RANGE = "started_at >= toDateTime64({from}, 9, 'UTC') AND started_at < toDateTime64({to}, 9, 'UTC')"
QUESTIONS = {
    "one_trace": "SELECT * FROM {db}.spans WHERE tenant = 'default' AND trace_id = '{id}' AND " + SPAN_RANGE,
    "one_trace_of_any_time": "SELECT * FROM {db}.spans WHERE tenant = 'default' AND trace_id = '{id}'",
    "one_trace_of_any_tenant": "SELECT * FROM {db}.otel_traces WHERE TraceId = '{id}'",
    "one_hour_of_spans": "SELECT trace_id, name FROM {db}.spans WHERE tenant = 'default' AND " + SPAN_RANGE,
    "one_hour_of_traces": (
        "SELECT trace_id, root_name FROM {db}.traces_latest WHERE tenant = 'default' "
        "AND opened_at >= toDateTime64({from}, 9, 'UTC') AND opened_at < toDateTime64({to}, 9, 'UTC') "
        "ORDER BY started_at DESC LIMIT 50"
    ),
    "one_hour_of_traces_by_start": (
        "SELECT trace_id, root_name FROM {db}.traces_latest WHERE tenant = 'default' AND " + SPAN_RANGE
    ),
    "one_trace_row": "SELECT * FROM {db}.traces_latest WHERE tenant = 'default' AND trace_id = '{id}'",
    "when_was_a_trace": "SELECT min(Start), max(End) FROM {db}.otel_traces_trace_id_ts WHERE TraceId = '{id}'",
}


def hour_of(tenant: str, hour: int) -> list[dict[str, Any]]:
    """The spans of sixty traces that begin in an hour."""
    return lean_rows(60, hour, NOW_NS + hour * HOUR_NS, tenant)


def trace_of(root: dict[str, Any]) -> bytes:
    """The row of the trace with this root."""
    at = root["started_at"]
    return trace_record(trace_id=root["trace_id"].hex(), opened_at=at, started_at=at)


@pytest.fixture(scope="module")
def large(store: str) -> Iterator[tuple[Client, str]]:
    """Two tenants, 48 hours of 120 traces: 46,080 spans, merged into a part a day."""
    opened, name = connect(Store(url=store)), "sinks_large"
    apply(opened, Layout(name, "", 3_650))
    for hours in (range(first, first + HOURS_A_BLOCK) for first in range(0, HOURS, HOURS_A_BLOCK)):
        spans = [row for hour in hours for tenant in ("default", "other") for row in hour_of(tenant, hour)]
        insert_spans(opened, name, span_record(batch(spans)))
        roots = [row for row in spans if row["tenant"] == "default" and not any(row["parent_span_id"])]
        insert_traces(opened, name, *(trace_of(root) for root in roots))
    for table in ("otel_traces", "traces", "otel_traces_trace_id_ts"):
        opened.command(f"OPTIMIZE TABLE {name}.{table} FINAL")
    yield opened, name
    opened.command(f"DROP DATABASE {name} SYNC")
    opened.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_query_reads_only_what_the_keys_leave(large: tuple[Client, str], question: str) -> None:
    client, name = large
    hour_s = (NOW_NS + ASKED * HOUR_NS) // 10**9
    values = {
        "db": name,
        "id": lean_rows(1, ASKED, NOW_NS)[0]["trace_id"].hex(),
        "from": str(hour_s),
        "to": str(hour_s + 3_600),
    }
    sql = re.sub(r"\{(\w+)\}", lambda found: values[found.group(1)], QUESTIONS[question])
    plan = "\n".join(line for (line,) in rows(client, f"EXPLAIN indexes = 1 {sql}"))
    assert reads(plan) == (GOLDEN / f"explain_{question}.txt").read_text()


def reads(plan: str) -> str:
    """The part of a plan that says how many parts and granules each index leaves."""
    _, _, indexes = plan.partition("Indexes:")
    assert indexes, plan
    lines = (line.strip(" │└─") for line in indexes.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("Condition:", "Search"))) + "\n"
