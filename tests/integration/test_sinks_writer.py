"""Does every record of the topics of the store end in the store or among the dead letters, whatever happens?"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks.clickhouse import connect
from sinks.delivery import Away
from tests.builders.frames import batch, lean_rows, score_record, span, span_record, trace_record
from tests.builders.sinking import Log, Sink, dead_letters, sink_config, uncommitted
from tests.fixtures.servers import Server
from tests.fixtures.waiting import eventually
from tracemill.config import Config, Store

pytestmark = pytest.mark.integration

Start = Callable[..., Sink]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts sinks that are ended with the test."""
    sinks: list[Sink] = []

    def begin(config: Config) -> Sink:
        sinks.append(Sink(config, tmp_path))
        sinks[-1].start()
        return sinks[-1]

    yield begin
    for sink in sinks:
        sink.kill()


class Reader:
    """What readers see in a store that may not be there yet."""

    def __init__(self, config: Config) -> None:
        self._store = Store(url=config.store.url)
        self._database = config.store.database
        self._client: Client | None = None

    def ask(self, sql: str) -> Any:
        """The first row, `{db}` filled in; None while nobody answers or the table isn't there."""
        try:
            self._client = self._client or connect(self._store)
            return tuple(self._client.query(sql.format(db=self._database)).result_rows[0])
        except (Away, ClickHouseError):
            return None

    def spans(self) -> Any:
        """Spans in the view, and distinct ones."""
        return self.ask("SELECT count(), uniqExact(trace_id, span_id) FROM {db}.spans")

    def scores(self) -> Any:
        """Scores in the view, what the last says, and its version."""
        return self.ask("SELECT count(), max(text), max(version) FROM {db}.scores_latest")

    def traces(self) -> Any:
        """Traces in the view."""
        return self.ask("SELECT count() FROM {db}.traces_latest")


def write_traces(log: Log, count: int, seed: int, a_record: int = 5) -> None:
    rows = lean_rows(count, seed)
    for number, first in enumerate(range(0, len(rows), a_record * 8)):
        log.spans(span_record(batch(rows[first : first + a_record * 8])), number % 4)
    for number, root in enumerate(rows[::8]):
        log.traces(trace_record(trace_id=root["trace_id"].hex()), number % 4)
    log.flush()


def lags(sink: Sink) -> list[float]:
    """Records of each partition that aren't stored yet, as the metrics say."""
    _, text = sink.get("/metrics")
    lines = [line for line in text.splitlines() if line.startswith("tracemill_sinks_lag_records{")]
    return [float(line.rpartition(" ")[2]) for line in lines]


def test_every_row_arrives_once_and_the_offsets_are_committed(
    kafka: str, store: str, namespace: str, start: Start
) -> None:
    config = sink_config(kafka, store, namespace)
    log, reader = Log(config), Reader(config)
    write_traces(log, 50, seed=1)
    sink = start(config)
    eventually(reader.spans, (400, 400))
    eventually(reader.traces, (50,))
    eventually(lambda: sink.get("/readyz")[0], 200)
    eventually(lambda: lags(sink), [0.0] * 12)
    assert sink.stop() == 0
    assert uncommitted(config) == 0
    write_traces(log, 10, seed=2)
    start(config)
    eventually(reader.spans, (480, 480))
    eventually(reader.traces, (60,))


def test_records_that_nobody_can_read_are_dead_lettered_and_the_rest_goes_on(
    kafka: str, store: str, namespace: str, start: Start
) -> None:
    config = sink_config(kafka, store, namespace, linger_ms=1_000)
    log, reader = Log(config), Reader(config)
    whole = span_record(batch(lean_rows(2)))
    damaged = bytearray(span_record(batch(lean_rows(2, seed=9)), compression=None))
    names = damaged.find(b"invoke_agent support")
    offsets = damaged.rfind(len(b"invoke_agent support").to_bytes(4, "little"), 0, names)
    damaged[offsets : offsets + 4] = b"\xff\xff\xff\x7f"
    for value in (b"not arrow", whole, b"", bytes(damaged), span_record(batch([span()]))):
        log.spans(value)
    for value in (b"{", trace_record(), b"{}", trace_record(trace_id="0a" * 16, span_count="many")):
        log.traces(value)
    for value in (b"{", score_record(), score_record(value="again"), b"{}"):
        log.scores(value)
    log.flush()
    start(config)
    eventually(reader.spans, (17, 17))
    eventually(reader.traces, (1,))
    eventually(reader.scores, (1, "again", 2))
    eventually(lambda: len(dead_letters(config)), 8)
    found = sorted((each["topic"].split(".")[1], each["offset"], each["reason"]) for each in dead_letters(config))
    assert found == [
        ("scores", 0, "undecodable"),
        ("scores", 3, "wrong_schema"),
        ("spans", 0, "undecodable"),
        ("spans", 2, "undecodable"),
        ("spans", 3, "refused_by_target"),
        ("traces", 0, "undecodable"),
        ("traces", 2, "wrong_schema"),
        ("traces", 3, "refused_by_target"),
    ]


def test_a_store_that_is_away_is_waited_for(kafka: str, own_store: Server, namespace: str, start: Start) -> None:
    config = sink_config(kafka, own_store.address, namespace, buffer_bytes=200_000)
    log = Log(config)
    sink = start(config)
    eventually(lambda: sink.get("/readyz")[0], 200)
    own_store.kill()
    write_traces(log, 400, seed=3, a_record=2)
    eventually(lambda: "is it up" in sink.get("/readyz")[1], True)
    eventually(lambda: 200_000 <= buffered(sink) < 2_000_000, True)
    own_store.start()
    reader = Reader(config)
    eventually(reader.spans, (3_200, 3_200))
    eventually(reader.traces, (400,))
    eventually(lambda: sink.get("/readyz")[0], 200)


def buffered(sink: Sink) -> float:
    _, text = sink.get("/metrics")
    values = [
        line for line in text.splitlines() if line.startswith('tracemill_sinks_buffered_bytes{target="spans_in"}')
    ]
    return float(values[0].rpartition(" ")[2]) if values else 0.0


def test_a_table_that_is_missing_is_no_fault_of_the_records(
    kafka: str, store: str, namespace: str, start: Start
) -> None:
    config = sink_config(kafka, store, namespace)
    log, reader = Log(config), Reader(config)
    sink = start(config)
    eventually(lambda: sink.get("/readyz")[0], 200)
    client = connect(config.store)
    client.command(f"RENAME TABLE {namespace}.spans_in TO {namespace}.hidden")
    write_traces(log, 5, seed=4)
    eventually(lambda: "tracemill schema apply" in sink.get("/readyz")[1], True)
    client.command(f"RENAME TABLE {namespace}.hidden TO {namespace}.spans_in")
    eventually(reader.spans, (40, 40))
    assert dead_letters(config) == []
    client.close()


def test_a_second_writer_joins_and_the_first_leaves(kafka: str, store: str, namespace: str, start: Start) -> None:
    config = sink_config(kafka, store, namespace)
    log, reader = Log(config), Reader(config)
    first = start(config)
    write_traces(log, 20, seed=5)
    eventually(reader.spans, (160, 160))
    second = start(sink_config(kafka, store, namespace))
    for seed in range(6, 12):
        write_traces(log, 10, seed=seed)
    eventually(lambda: second.get("/readyz")[0], 200)
    assert first.stop() == 0
    for seed in range(12, 18):
        write_traces(log, 10, seed=seed)
    eventually(reader.spans, (1_120, 1_120))
    eventually(reader.traces, (140,))


def test_the_process_ends_soon_while_the_store_hangs(
    kafka: str, own_store: Server, namespace: str, start: Start
) -> None:
    config = sink_config(kafka, own_store.address, namespace)
    log = Log(config)
    sink = start(config)
    eventually(lambda: sink.get("/readyz")[0], 200)
    own_store.signal(signal.SIGSTOP)
    write_traces(log, 5, seed=6)
    eventually(lambda: sum(lags(sink)), 6.0)
    write_traces(log, 5, seed=7)
    eventually(lambda: buffered(sink) > 0, True)
    assert sink.stop() == 0
    own_store.signal(signal.SIGCONT)
    start(config)
    eventually(Reader(config).spans, (80, 80))
