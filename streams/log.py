"""How do the spans of a trace come back from the log, once they have left memory?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from runtime.kafka import ADMIN_TIMEOUT_S, consumer_settings, fetch_records
from tracemill import topics
from tracemill.assembly import excerpt
from tracemill.assembly.excerpt import Bundle
from tracemill.config import Kafka
from tracemill.evaluation.flush import Batch


def bundles_at(kafka: Kafka, partition: int, offsets: Iterable[int]) -> dict[int, Bundle]:
    """The bundles of a partition of `otlp.v1` at the given offsets; those that are gone are left out."""
    records = fetch_records(kafka, topics.OTLP.name(kafka.namespace), partition, offsets)
    return {
        offset: Bundle(offset, message.value() or b"", index_of(message.headers()))
        for offset, message in records.items()
    }


def oldest_offset(kafka: Kafka, partition: int) -> int:
    """The offset of the oldest record that a partition of `otlp.v1` still has."""
    consumer = Consumer(consumer_settings(kafka, "tracemill-reader"))
    try:
        place = TopicPartition(topics.OTLP.name(kafka.namespace), partition)
        return consumer.get_watermark_offsets(place, timeout=ADMIN_TIMEOUT_S)[0]
    finally:
        consumer.close()


def index_of(headers: Any) -> bytes:
    """The header `index` of a record, `b""` where there is none."""
    return next((value for name, value in headers or () if name == topics.HEADER_INDEX and value), b"")


def bring_back(kafka: Kafka, batches: Sequence[Batch]) -> int:
    """Give every closing the spans it was decided with before; how many records were read for it."""
    return sum(excerpt.bring_back(batch.events, partial(bundles_at, kafka, batch.partition)) for batch in batches)
