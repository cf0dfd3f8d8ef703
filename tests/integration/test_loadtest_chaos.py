"""What a real store shows is compared as it has to be: a run's rows are right, and a span taken away is missed."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from loadtest.chaos.refusals import TOO_MANY_PARTS, Refusals
from loadtest.chaos.rows import check_kept, check_rows, check_sums
from loadtest.chaos.stored import read_stored
from runtime.dead_letters import Record
from sinks.clickhouse import StoreTable, connect
from sinks.migrations import apply, layout_of
from sinks.span_records import SPANS
from sinks.trace_records import TRACES
from streams.outputs import span_records
from tests.builders.chaotic import all_written, left
from tests.fixtures.waiting import eventually
from tracemill.config import Config, Store

pytestmark = pytest.mark.integration


@pytest.fixture
def filled(store: str, namespace: str) -> tuple[Store, Client]:
    """A store with what the pipeline wrote, all of it twice."""
    config = Config(store=Store(url=store, database=namespace))
    client = connect(config.store)
    apply(client, layout_of(config))
    outputs = [output for written in all_written() for output in written.outputs]
    spans = [bytes(record) for output in outputs for table in output.spans for record in span_records(table)]
    rows = [line for output in outputs for line in output.traces]
    for table, values in ((SPANS, spans), (TRACES, rows)):
        pieces = [table.read(Record("topic", 0, offset, 0, (), value)) for offset, value in enumerate(values)]
        for _ in range(2):
            StoreTable(table, config.store).send(pieces)
    return config.store, client


def test_rows_are_what_their_spans_amount_to(filled: tuple[Store, Client]) -> None:
    store, client = filled
    truth, stored = left().truth, read_stored(store)
    for findings in (check_kept(truth, stored), check_rows(truth, stored), check_sums(truth, stored)):
        assert findings.clean, findings

    trace, span = stored.spans.row(0)
    client.command(
        f"ALTER TABLE {store.database}.otel_traces DELETE WHERE TraceId = '{trace.hex()}' AND SpanId = '{span.hex()}'",
        settings={"mutations_sync": 2},
    )
    stored = read_stored(store)
    assert check_kept(truth, stored).counts["half kept"] == 1
    assert check_rows(truth, stored).clean
    assert check_sums(truth, stored).counts["span_count"] == 1

    client.command(
        f"ALTER TABLE {store.database}.traces UPDATE policy = 'another' WHERE trace_id = '{trace.hex()}'",
        settings={"mutations_sync": 2},
    )
    stored = read_stored(store)
    assert check_rows(truth, stored).counts["different"] == 1
    assert check_sums(truth, stored).counts["policy"] == 1
    client.close()


def test_a_store_refuses_inserts_with_its_own_error_until_the_end(filled: tuple[Store, Client]) -> None:
    store, client = filled
    rows = f"INSERT INTO {store.database}.otel_traces (Tenant, Timestamp) VALUES ('default', now())"
    refusals = Refusals(store, lambda _: False)
    refusals.begin()
    for _ in range(3):
        with pytest.raises(DatabaseError) as refused:
            client.command(rows)
        assert refused.value.code == TOO_MANY_PARTS
    eventually(refusals.count, 3)
    refusals.end()
    client.command(rows)
    client.close()
