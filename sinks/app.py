"""What runs as `tracemill sinks`: the writer to the store, and the exporter where one is configured."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException

from runtime import logs
from runtime.health import HealthServer
from runtime.kafka import ensure_topics
from runtime.logs import pairs
from sinks.buffers import Pace
from sinks.clickhouse import Away, away, connect
from sinks.dead_letters import DeadLetters
from sinks.delivery import Delivery
from sinks.migrations import apply, layout_of
from sinks.span_records import SPANS
from sinks.trace_records import TRACES
from sinks.writer import Lane, Writer
from tracemill import topics
from tracemill.config import Config

PAUSE_S: Final = 1.0

_log = logging.getLogger(__name__)


class Sink:
    """The process. `waiting_for` says what it can't start without, until it has it."""

    def __init__(self, config: Config, stop: threading.Event) -> None:
        self._config = config
        self._stop = stop
        self._writer: Writer | None = None
        self._waiting_for = "starting"

    def ready(self) -> str | None:
        """Why nothing gets into the store right now, or None."""
        return self._writer.ready() if self._writer else self._waiting_for

    def run(self) -> None:
        """Until told to stop: make topics and tables where they are missing, then write.

        Raises:
            ConfigError: the topics aren't as configured.
            SchemaMismatch: the tables were made by other statements than this release has.
        """
        config = self._config
        self._insist("the broker", self._make_topics)
        self._insist("the store", self._make_tables)
        if self._stop.is_set():
            return
        letters = DeadLetters(config, self._stop)
        sinks = config.sinks
        pace = Pace(sinks.insert_rows, sinks.insert_bytes, sinks.linger_ms, sinks.load_linger_ms)
        lanes = [
            Lane(
                table,
                table.topic.name(config.kafka.namespace),
                pace,
                Delivery(table, config.store, letters, self._stop),
            )
            for table in (SPANS, TRACES)
        ]
        self._writer = Writer(config, lanes)
        self._writer.run(self._stop)

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
        ensure_topics(self._config.kafka, (topics.SPANS, topics.TRACES, topics.DEAD_LETTERS))

    def _make_tables(self) -> None:
        client = connect(self._config.store)
        try:
            apply(client, layout_of(self._config))
        except ClickHouseError as error:
            raise away(error) from error
        finally:
            client.close()


def run(config: Config) -> None:
    """Write until SIGTERM or SIGINT, then store and commit what was read, in at most about five seconds.

    Raises:
        ConfigError, SchemaMismatch: see `Sink.run`.
    """
    logs.configure("sinks", config.log_level)
    logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    sink = Sink(config, stop)
    health = HealthServer(config.sinks.metrics_host, config.sinks.metrics_port, sink.ready)
    health.start()
    try:
        sink.run()
    finally:
        health.stop()
