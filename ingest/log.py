"""How do bundles reach the log, and when are they safe there?"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, Message, Producer

from ingest import counters
from ingest.bundler import Done, Ticket
from runtime.kafka import QUIET, producer_settings
from runtime.logs import pairs
from tracemill import topics
from tracemill.config import Config
from tracemill.errors import Busy, Reason

Headers = list[tuple[str, str | bytes | None]]

_LOG = logging.getLogger(__name__)

_EXIT_PRODUCER: Final = 70
_CREDENTIALS: Final = (KafkaError._AUTHENTICATION, KafkaError._SSL)
_POLL_S: Final = 0.1
_RETRY_AFTER_S: Final = 1.0


class Watch(Protocol):
    """Who wants to know how the broker is."""

    def failed(self, why: str) -> None:
        """A record wasn't acknowledged."""

    def suspect(self, why: str) -> None:
        """Perhaps no broker can be reached."""


class KafkaLog:
    """Appends records to `otlp` and says when the broker has acknowledged each, on the event loop's thread.

    `watch` hears, in a sentence, when a broker doesn't acknowledge in time or may be out of reach.
    """

    def __init__(self, config: Config, watch: Watch) -> None:
        self._topic = topics.OTLP.name(config.kafka.namespace)
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._settled: deque[tuple[Done, Busy | None]] = deque()
        self._stopped = False
        self.producer = Producer(_settings(config, self._on_error))
        self._thread = threading.Thread(target=self._poll, name="log", daemon=True)
        self._thread.start()

    def append(self, partition: int, value: bytes, index: bytes, done: Done) -> None:
        """Write a bundle; `done` is called in any case."""
        counters.BUNDLE_BYTES.observe(len(value))
        self._produce(self._topic, partition, value, [(topics.HEADER_INDEX, index)], done)

    async def write(self, topic: str, partition: int, value: bytes) -> None:
        """Write any record; return when the broker has acknowledged it.

        Raises:
            Busy: it hasn't.
        """
        ticket = Ticket(1)
        self._produce(topic, partition, value, [], ticket.settle)
        await ticket.future

    def _produce(self, topic: str, partition: int, value: bytes, headers: Headers, done: Done) -> None:
        delivered = partial(self._delivered, done, perf_counter())
        try:
            self.producer.produce(topic, value, partition=partition, headers=headers, on_delivery=delivered)
        except BufferError:
            done(Busy(Reason.BUSY, "the queue to Kafka is full: send again", _RETRY_AFTER_S))

    async def close(self, timeout_s: float) -> int:
        """Wait for what is under way, at most `timeout_s`; the number of records that weren't acknowledged."""
        left = await self._loop.run_in_executor(None, self.producer.flush, timeout_s)
        self._stopped = True
        await self._loop.run_in_executor(None, self._thread.join)
        self._settle()
        return left

    def _poll(self) -> None:
        while not self._stopped:
            self.producer.poll(_POLL_S)

    def _delivered(self, done: Done, sent_at: float, error: KafkaError | None, message: Message) -> None:
        """On the poller's thread."""
        refused = None
        if error is None:
            counters.PRODUCE_SECONDS.observe(perf_counter() - sent_at)
        else:
            refused = Busy(Reason.BROKER_AWAY, f"Kafka didn't acknowledge ({error.name()}): send again", _RETRY_AFTER_S)
            self._loop.call_soon_threadsafe(self._watch.failed, f"Kafka didn't acknowledge ({error.name()})")
        self._settled.append((done, refused))
        if len(self._settled) == 1:
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        while self._settled:
            done, refused = self._settled[0]
            done(refused)
            self._settled.popleft()

    def _on_error(self, error: KafkaError) -> None:
        """On the poller's thread. After a fatal error an idempotent producer writes nothing more; a new process can."""
        if error.fatal():
            _LOG.warning(pairs("the producer failed for good: this process ends and is started again", error=error))
            os._exit(_EXIT_PRODUCER)
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._loop.call_soon_threadsafe(self._watch.suspect, "no Kafka broker can be reached")
        elif error.code() in _CREDENTIALS:
            self._loop.call_soon_threadsafe(self._watch.suspect, f"Kafka refuses our credentials ({error})")


def _settings(config: Config, on_error: Callable[[KafkaError], None]) -> dict[str, Any]:
    """Queue limits are above what admission lets in, so that they are hit only where memory is used twice."""
    return producer_settings(
        config.kafka,
        config.ingest.delivery_timeout_ms,
        **{
            "client.id": "tracemill-ingest",
            "error_cb": on_error,
            "log_level": QUIET,
            "queue.buffering.max.kbytes": max(config.ingest.in_flight_bytes // 1024 * 2, 64 * 1024),
            "queue.buffering.max.messages": 100_000,
            "reconnect.backoff.max.ms": 1_000,
            "socket.keepalive.enable": True,
        },
    )
