"""What is slow or stuck shows as lag, in seconds that grow, and not as memory; what is idle shows no lag."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.parts import http_ready
from runtime.group_lag import Group, GroupLag
from tests.builders.bundles import S, bundle
from tests.builders.frames import batch, lean_rows, span_record, trace_record
from tests.builders.sinking import Log, Sink, sink_config
from tests.fixtures.ports import own_port
from tests.fixtures.scraping import Scraped, scrape
from tests.fixtures.servers import Server
from tests.fixtures.streaming import PARTITIONS, Pipeline
from tests.fixtures.waiting import eventually
from tracemill import topics

pytestmark = pytest.mark.integration

BUFFER_BYTES = 200_000
LAG_S = 3.0
"""More than anything takes that isn't stuck."""

STANDING_STILL = """
import pathlib, signal, sys, time
from streams.app import run
from tracemill.config import parse

def stand_still(*_):
    while pathlib.Path(sys.argv[2]).exists():
        time.sleep(0.02)

signal.signal(signal.SIGRTMIN, stand_still)
run(parse(pathlib.Path(sys.argv[1]).read_text()))
"""


class Worker:
    """A stream worker that can be made to stand still, while its health server and its consumer's thread live on."""

    def __init__(self, pipeline: Pipeline) -> None:
        port, file = own_port(), pipeline.directory / "worker.json"
        streams = pipeline.config.streams.model_copy(update={"metrics_port": port})
        file.write_text(pipeline.config.model_copy(update={"streams": streams}).model_dump_json())
        self._still = pipeline.directory / "still"
        self.server = Server(
            name=sys.executable,
            program=sys.executable,
            arguments=("-c", STANDING_STILL, str(file), str(self._still)),
            address=f"http://127.0.0.1:{port}",
            ready=http_ready(f"http://127.0.0.1:{port}/readyz"),
            log=file.with_suffix(".log"),
        )
        self.server.start()

    def stand_still(self) -> None:
        self._still.touch()
        self.server.signal(signal.SIGRTMIN)

    def go_on(self) -> None:
        self._still.unlink()

    def lags(self) -> list[float]:
        """By partition, in seconds."""
        return scrape(self.server.address).each("tracemill_streams_lag_seconds")


@pytest.fixture
def pipeline(kafka: str, namespace: str, tmp_path: Path) -> Pipeline:
    made = Pipeline(kafka, namespace, tmp_path)
    made.make_topics()
    return made


@pytest.fixture
def worker(pipeline: Pipeline) -> Iterator[Worker]:
    worker = Worker(pipeline)
    yield worker
    worker.server.kill()


@pytest.fixture
def group(pipeline: Pipeline) -> Iterator[GroupLag]:
    name = topics.OTLP.name(pipeline.namespace)
    lag = GroupLag(Group(pipeline.config.streams.group, pipeline.config.kafka, (name,)))
    yield lag
    lag.close()


def age_s(group: GroupLag) -> float:
    """Of the oldest record that the group hasn't committed."""
    return max(each.seconds(time.time() * 1000) or 0.0 for each in group.look().values())


def test_a_worker_that_stands_still_is_behind_by_the_second(
    pipeline: Pipeline, worker: Worker, group: GroupLag
) -> None:
    pipeline.append(0, *bundle([S(trace=1)]))
    eventually(lambda: (worker.lags(), age_s(group)), ([0.0] * PARTITIONS, 0.0))
    worker.stand_still()
    pipeline.append(0, *bundle([S(trace=2)]))
    pipeline.append(2, *bundle([S(trace=3)]))
    eventually(lambda: [lag > LAG_S for lag in worker.lags()], [True, False, True, False])
    eventually(lambda: age_s(group) > LAG_S)
    records = scrape(worker.server.address).each("tracemill_streams_lag_records")
    assert records == [1, 0, 1, 0]
    worker.go_on()
    eventually(lambda: (worker.lags(), age_s(group)), ([0.0] * PARTITIONS, 0.0))


def test_an_idle_partition_is_not_behind(pipeline: Pipeline, worker: Worker) -> None:
    pipeline.append(0, *bundle([S(trace=1)]))
    pipeline.settle()  # no tick comes any longer, which a worker may not have read for a moment
    eventually(worker.lags, [0.0] * PARTITIONS)
    idle_until = time.monotonic() + 2 * LAG_S
    while time.monotonic() < idle_until:
        assert worker.lags() == [0.0] * PARTITIONS


def test_a_worker_that_takes_over_is_as_far_behind_as_its_predecessor_was(
    pipeline: Pipeline, tmp_path: Path, group: GroupLag
) -> None:
    """Nobody owns the partitions: only who asks Kafka knows."""
    pipeline.append(1, *bundle([S(trace=1)]))
    eventually(lambda: age_s(group) > LAG_S)
    worker = Worker(pipeline)
    try:
        eventually(lambda: (worker.lags(), age_s(group)), ([0.0] * PARTITIONS, 0.0))
    finally:
        worker.server.kill()


def test_a_store_that_hangs_is_lag_and_not_memory(
    kafka: str, own_store: Server, namespace: str, tmp_path: Path
) -> None:
    config = sink_config(kafka, own_store.address, namespace, buffer_bytes=BUFFER_BYTES)
    log, sink = Log(config), Sink(config, tmp_path)
    sink.start()
    try:
        eventually(lambda: sink.get("/readyz")[0], 200)
        write(log, 10)
        eventually(lambda: behind(sink), (0.0, 0.0))
        own_store.signal(signal.SIGSTOP)
        written_bytes, record_bytes = write(log, 600)
        eventually(lambda: behind(sink)[0] > LAG_S)
        told = scrape(sink_address(sink))
        assert told.total("tracemill_sinks_reading_paused", target="spans_in") == 1
        assert told.total("tracemill_sinks_lag_records", topic=topics.SPANS.name(namespace)) > 0
        # A full buffer, with the record that filled it; and as much that is under way.
        most = 2 * (BUFFER_BYTES + record_bytes)
        assert told.total("tracemill_sinks_buffered_bytes", target="spans_in") <= most < written_bytes
        own_store.signal(signal.SIGCONT)
        eventually(lambda: behind(sink), (0.0, 0.0))
        assert scrape(sink_address(sink)).total("tracemill_sinks_buffered_bytes") == 0
    finally:
        sink.kill()


def sink_address(sink: Sink) -> str:
    return f"http://127.0.0.1:{sink.config.sinks.metrics_port}"


def behind(sink: Sink) -> tuple[float, float]:
    """The longest lag of any partition in seconds, and the records of all of them."""
    told: Scraped = scrape(sink_address(sink))
    seconds = told.each("tracemill_sinks_lag_seconds")
    assert len(seconds) <= len(topics.STORED) * sink.config.kafka.partitions
    return max(seconds, default=0.0), told.total("tracemill_sinks_lag_records")


def write(log: Log, traces: int) -> tuple[int, int]:
    """How large all records of spans are together, and the largest."""
    rows, sizes = lean_rows(traces, seed=traces), []
    for number, first in enumerate(range(0, len(rows), 16)):
        record = span_record(batch(rows[first : first + 16]))
        sizes.append(len(record))
        log.spans(record, number % 4)
    for number, root in enumerate(rows[::8]):
        log.traces(trace_record(trace_id=root["trace_id"].hex()), number % 4)
    log.flush()
    return sum(sizes), max(sizes)
