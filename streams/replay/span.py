"""Which records of a partition does a replay read? Those of its time, some before it, and some behind it.

Before it: what the rules look back on, and traces that were open. Behind it: what still belongs to traces of its time.
"""

from __future__ import annotations

from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition

from runtime.kafka import ADMIN_TIMEOUT_S, consumer_settings, offset_at
from tracemill import topics
from tracemill.config import Config


class Stretch(NamedTuple):
    """Offsets of a partition, the last not included; and whether the log still has all that was wanted."""

    first: int
    last: int
    whole: bool


def stretch(config: Config, partition: int, from_ms: int, to_ms: int) -> Stretch:
    """The records of `otlp.v1` that a replay of this time reads.

    Raises:
        KafkaException: no broker answers.
    """
    kafka, topic = config.kafka, topics.OTLP.name(config.kafka.namespace)
    consumer = Consumer(consumer_settings(kafka, "tracemill-reader"))
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ADMIN_TIMEOUT_S)
    finally:
        consumer.close()
    begin = offset_at(kafka, topic, partition, from_ms - config.assembly.memory_horizon_ms)
    end = offset_at(kafka, topic, partition, to_ms + config.assembly.max_age_ms)
    first = high if begin is None else begin
    return Stretch(first, max(first, high if end is None else end), low == 0 or first > low)
