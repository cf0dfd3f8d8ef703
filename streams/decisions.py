"""What does `decisions.v1` tell a worker that takes a partition over, and since when does it have to be read?"""

from __future__ import annotations

from functools import partial

from confluent_kafka import Consumer, Message, TopicPartition

from runtime.dead_letters import Record
from runtime.kafka import ADMIN_TIMEOUT_S, consumer_settings, fetch_records, offset_at, read_from
from tracemill import topics
from tracemill.assembly.restart import since_ms
from tracemill.assembly.told import Told
from tracemill.config import Config
from tracemill.errors import Malformed, Reason

MARGIN_MS = 60_000
"""Read so much more than was remembered: clocks are set while nothing is appended that shows it."""


class Decisions:
    """One partition of `decisions.v1`; `unreadable` are the records of it, last read, that are no blocks."""

    def __init__(self, config: Config, partition: int) -> None:
        self._assembly, self._kafka, self._partition = config.assembly, config.kafka, partition
        self._topic = topics.DECISIONS.name(config.streams.output_namespace or config.kafka.namespace)
        self.unreadable: list[tuple[Record, Malformed]] = []

    def read(self, since_ms: int) -> Told:
        """What was told since then, by the broker's clock."""
        told = Told()
        self.unreadable = []
        start = offset_at(self._kafka, self._topic, self._partition, since_ms)
        if start is not None:
            read_from(self._kafka, self._topic, {self._partition: start}, partial(self._take, told))
        return told

    def since_ms(self, start: int | None) -> int:
        """Since when blocks tell of what is open or remembered at an offset of the log, None if nothing is committed.

        0, which is all, where the log no longer has the record before it. Not since the record there: that may have
        come hours after the one before it.
        """
        if start is None:
            return 0
        source = topics.OTLP.name(self._kafka.namespace)
        before = fetch_records(self._kafka, source, self._partition, [start - 1])
        newest = self._newest()
        if not before or newest is None:
            return 0
        clocks_ms = (before[start - 1].timestamp()[1], newest.timestamp()[1])
        return max(since_ms(self._assembly, *clocks_ms) - MARGIN_MS, 0)

    def _take(self, told: Told, message: Message) -> None:
        offset, value = message.offset() or 0, message.value() or b""
        try:
            told.take(offset, value)
        except ValueError as error:
            headers, timestamp_ms = message.headers() or [], message.timestamp()[1]
            record = Record(self._topic, self._partition, offset, timestamp_ms, headers, value)
            self.unreadable.append((record, Malformed(Reason.NOT_A_BLOCK, str(error))))

    def _newest(self) -> Message | None:
        consumer = Consumer(consumer_settings(self._kafka, "tracemill-reader"))
        try:
            place = TopicPartition(self._topic, self._partition)
            end = consumer.get_watermark_offsets(place, timeout=ADMIN_TIMEOUT_S)[1]
        finally:
            consumer.close()
        return fetch_records(self._kafka, self._topic, self._partition, [end - 1]).get(end - 1)
