"""What was decided about one trace, and does the log still have its spans? Read from `decisions.v1`, at any age."""

from __future__ import annotations

from typing import Any, NamedTuple

from confluent_kafka import Consumer, Message, TopicPartition

from runtime.kafka import ADMIN_TIMEOUT_S, consumer_settings, fetch_records, offset_at, read_from
from tracemill import topics
from tracemill.assembly.memory import Memory, decided_rows
from tracemill.assembly.trace import Decided
from tracemill.config import Kafka

MARGIN_MS = 60_000
"""The clocks of brokers may differ by so much."""

_FOREVER_MS = 2**62


class Reach(NamedTuple):
    """The oldest record that a partition still has: its offset, and when it was appended, in ms since the epoch."""

    offset: int
    append_ms: int


def find_decided(kafka: Kafka, key: bytes, first: int) -> Decided | None:
    """What a trace was decided with last, if `decisions.v1` still says it.

    Args:
        kafka: where the topics are.
        key: the trace's id, then its tenant's name.
        first: offset of its first record.

    Raises:
        TimeoutError, KafkaException: Kafka doesn't answer.
    """
    partition, topic = topics.partition_of(key[:16], kafka.partitions), topics.DECISIONS.name(kafka.namespace)
    memory = Memory(_FOREVER_MS)

    def take(message: Message) -> None:
        keys, rows = decided_rows(message.value() or b"")
        for place in (place for place, one in enumerate(keys) if one == key):
            memory.add([key], rows.slice(place, 1))

    appended = fetch_records(kafka, topics.OTLP.name(kafka.namespace), partition, [first]).get(first)
    if appended is None:
        return None
    start = offset_at(kafka, topic, partition, appended.timestamp()[1] - MARGIN_MS)
    if start is not None:
        read_from(kafka, topic, {partition: start}, take)
    return memory.get(key, 0)


def oldest_record(kafka: Kafka, partition: int) -> Reach:
    """How far back the log of a partition goes."""
    topic = topics.OTLP.name(kafka.namespace)
    consumer = Consumer(consumer_settings(kafka, "tracemill-reader"))
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ADMIN_TIMEOUT_S)
    finally:
        consumer.close()
    found: dict[int, Any] = fetch_records(kafka, topic, partition, [low]) if low < high else {}
    return Reach(low, found[low].timestamp()[1] if low in found else 0)
