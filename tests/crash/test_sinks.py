"""What is stored after the sink is killed where it hurts most: rows inserted, offsets not committed?"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse import connect
from tests.builders.frames import batch, lean_rows, span_record, trace_record
from tests.builders.sinking import Log, Sink, sink_config, uncommitted
from tests.fixtures.servers import Server
from tests.fixtures.takeovers import shares
from tests.fixtures.waiting import PATIENCE_S, eventually
from tracemill.config import Config

pytestmark = pytest.mark.crash


@pytest.fixture
def sink_of(tmp_path: Path) -> Iterator[Callable[[Config], Sink]]:
    """Makes sinks that are ended with the test, however it ends."""
    made: list[Sink] = []

    def make(config: Config) -> Sink:
        made.append(Sink(config, tmp_path))
        return made[-1]

    yield make
    for sink in made:
        sink.kill()


def test_a_kill_between_insert_and_commit_stores_twice_and_shows_once(
    broker: Server, store: str, namespace: str, sink_of: Callable[[Config], Sink]
) -> None:
    config = sink_config(broker.address, store, namespace)
    log, sink = Log(config), sink_of(config)
    sink.start()
    eventually(lambda: sink.get("/readyz")[0], 200)
    client = connect(config.store)

    def count(table: str) -> Any:
        return client.query(f"SELECT count() FROM {namespace}.{table}").result_rows[0][0]

    client.command(f"SYSTEM STOP MERGES {namespace}.otel_traces")
    client.command(f"RENAME TABLE {namespace}.spans_in TO {namespace}.hidden")
    rows = lean_rows(30)
    for number in range(30):
        log.spans(span_record(batch(rows[number * 8 : number * 8 + 8])), number % 4)
        log.traces(trace_record(trace_id=rows[number * 8]["trace_id"].hex()), number % 4)
    log.flush()
    eventually(lambda: "tracemill schema apply" in sink.get("/readyz")[1], True)
    broker.signal(signal.SIGSTOP)
    client.command(f"RENAME TABLE {namespace}.hidden TO {namespace}.spans_in")
    eventually(lambda: count("otel_traces") > 0, True)
    sink.kill()
    broker.restart()  # a commit that waits in its socket must not be taken after all
    sink.start()
    eventually(lambda: count("spans"), 240)
    eventually(lambda: count("otel_traces") > 240, True)
    eventually(lambda: count("traces_latest"), 30)
    assert sink.stop() == 0
    client.close()


def test_a_sink_that_was_killed_is_served_again_without_waiting_for_its_session(
    broker: Server, store: str, namespace: str, sink_of: Callable[[Config], Sink]
) -> None:
    long = {"session_timeout_ms": 300_000}  # whoever waits for that waits longer than this test
    config, other = (sink_config(broker.address, store, namespace, **long) for _ in range(2))
    log, sinks = Log(config), [sink_of(config), sink_of(other)]
    for sink in sinks:
        sink.start()
    eventually(lambda: [sink.get("/readyz")[0] for sink in sinks], [200, 200])
    eventually(lambda: sorted(map(len, shares(config.kafka, config.sinks.group).values())), [6, 6])
    before = shares(config.kafka, config.sinks.group)
    sinks[0].kill()
    sinks[0].start()
    eventually(lambda: sinks[0].get("/readyz")[0], 200)
    for number in range(4):
        log.spans(span_record(batch(lean_rows(1, seed=number))), number)
    log.flush()
    eventually(lambda: uncommitted(config), 0)
    assert shares(config.kafka, config.sinks.group) == before
    assert [sink.stop() for sink in sinks] == [0, 0]


def test_a_sink_whose_name_another_one_takes_ends_and_says_why(
    broker: Server, store: str, namespace: str, sink_of: Callable[[Config], Sink]
) -> None:
    first, second = (sink_of(sink_config(broker.address, store, namespace, instance="same")) for _ in range(2))
    Log(first.config)
    first.start()
    eventually(lambda: first.get("/readyz")[0], 200)
    second.start()
    assert first.process
    assert first.process.wait(PATIENCE_S) != 0
    assert "another sink has the same sinks.instance; give each its own" in first.log.read_text()
    eventually(lambda: second.get("/readyz")[0], 200)


def test_kills_at_any_time_lose_and_double_nothing(
    broker: Server, own_store: Server, sink_of: Callable[[Config], Sink]
) -> None:
    config = sink_config(broker.address, own_store.address, "kills", linger_ms=50)
    log, sink = Log(config), sink_of(config)
    client = connect(config.store)

    def spans() -> Any:
        names = client.query("SELECT name FROM system.tables WHERE database = 'kills' AND name = 'spans'").result_rows
        return names and client.query("SELECT count(), uniqExact(span_id) FROM kills.spans").result_rows[0]

    for turn in range(4):
        sink.start()
        for number in range(25):
            log.spans(span_record(batch(lean_rows(4, seed=turn * 100 + number))), number % 4)
        log.flush()
        seen = 200 * turn
        eventually(lambda seen=seen: bool(spans()) and spans()[0] > seen, True)
        sink.kill()
    sink.start()
    eventually(spans, (3_200, 3_200))
    assert sink.stop() == 0
    client.close()
