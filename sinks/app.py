"""What runs as `tracemill sinks`? The writer to the store, and an exporter where one is configured."""

from __future__ import annotations

import gc
import logging
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

from confluent_kafka import KafkaException

from runtime import logs
from runtime.health import HealthServer
from runtime.identity import introduce, member
from runtime.kafka import ensure_topics
from runtime.logs import pairs
from runtime.processes import carry_name
from sinks.buffers import Pace
from sinks.clickhouse import StoreTable
from sinks.dead_letters import DeadLetters
from sinks.delivery import Away, Delivery
from sinks.migrations import make_tables
from sinks.otlp import OtlpEndpoint
from sinks.span_records import SPANS
from sinks.tables import TABLES
from sinks.writer import Lane, Member, Writer
from tracemill import topics
from tracemill.config import Config

PAUSE_S: Final = 1.0
GARBAGE_OBJECTS: Final = 50_000
"""Records that wait are no garbage; with Python's 700 the search for it took an eighth of the process's time."""

_log = logging.getLogger(__name__)


class Sink:
    """The process. `waiting_for` says what it can't start without, until it has it."""

    def __init__(self, config: Config, stop: threading.Event) -> None:
        self._config = config
        self._stop = stop
        self._store: Writer | None = None
        self._waiting_for = "starting"

    def ready(self) -> str | None:
        """Why nothing gets to the store right now, or None.

        An exporter's endpoint is somebody else's: while it is away, that is a metric and a line in the log, and this
        process is as ready as ever.
        """
        return self._store.ready() if self._store else self._waiting_for

    def run(self) -> None:
        """Until told to stop: make topics and tables where they are missing, then write.

        Raises:
            ConfigError: the topics aren't as configured.
            SchemaMismatch: the tables were made by other statements than this release has.
        """
        self._insist("the broker", self._make_topics)
        self._insist("the store", lambda: make_tables(self._config))
        if self._stop.is_set():
            return
        letters = DeadLetters(self._config, self._stop)
        exporters, self._store = self._exporters(letters), self._store_writer(letters)
        run_all([*exporters, self._store], self._stop)

    def _store_writer(self, letters: DeadLetters) -> Writer:
        sinks, kafka = self._config.sinks, self._config.kafka
        pace = Pace(sinks.insert_rows, sinks.insert_bytes, sinks.linger_ms, sinks.load_linger_ms)
        lanes = []
        for table in TABLES:
            delivery = Delivery(StoreTable(table, self._config.store), letters, self._stop)
            lanes.append(Lane(table.topic.name(kafka.namespace), table.read, pace, delivery))
        return Writer(kafka, self._member(sinks.group), sinks.buffer_bytes, lanes)

    def _member(self, group: str) -> Member:
        sinks = self._config.sinks
        return Member(group, member(sinks.instance, sinks.metrics_port), sinks.session_timeout_ms)

    def _exporters(self, letters: DeadLetters) -> list[Writer]:
        sinks, kafka = self._config.sinks, self._config.kafka
        exporter = sinks.otlp_exporter
        if exporter is None:
            return []
        pace = Pace(exporter.request_spans, sinks.insert_bytes, sinks.linger_ms, sinks.load_linger_ms)
        delivery = Delivery(OtlpEndpoint(exporter), letters, self._stop)
        lane = Lane(topics.SPANS.name(kafka.namespace), SPANS.read, pace, delivery)
        return [Writer(kafka, self._member(exporter.group), sinks.buffer_bytes, [lane])]

    def _insist(self, what: str, attempt: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                attempt()
            except (KafkaException, Away) as error:
                self._waiting_for = f"waiting for {what}: {error}"
                _log.warning(pairs(f"waiting for {what}", why=error))
                self._stop.wait(PAUSE_S)
            else:
                return

    def _make_topics(self) -> None:
        ensure_topics(self._config.kafka, (*topics.STORED, topics.DEAD_LETTERS))


def run_all(writers: Sequence[Writer], stop: threading.Event) -> None:
    """Run writers side by side until `stop`; what ends one of them otherwise ends them all.

    Raises:
        Exception: whatever ended the first.
    """
    errors: list[BaseException] = []

    def guarded(writer: Writer) -> None:
        try:
            writer.run(stop)
        except BaseException as error:
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=guarded, args=(writer,), name="writer") for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def run(config: Config) -> None:
    """Write until SIGTERM or SIGINT, then store and commit what was read, in at most about five seconds.

    Raises:
        ConfigError, SchemaMismatch: see `Sink.run`.
    """
    carry_name("sinks")
    logs.configure("sinks", config.log_level)
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)
    logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    introduce("sinks")
    sink = Sink(config, stop)
    health = HealthServer(config.sinks.metrics_host, config.sinks.metrics_port, sink.ready)
    health.start()
    try:
        sink.run()
    finally:
        health.stop()
