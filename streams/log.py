"""How do the spans of a trace come back from the log, once they have left memory?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from runtime.kafka import ADMIN_TIMEOUT_S, consumer_settings, fetch_records
from tracemill import topics
from tracemill.assembly.excerpt import Bundle, pieces_of
from tracemill.assembly.trace import Closing
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
    """Give every closing the spans it was decided with before; how many records were read for it.

    A trace of which the log has lost something is marked as not whole.
    """
    read = 0
    for partition, events, _ in batches:
        lacking = [event for event in events if isinstance(event, Closing) and event.decided.pieces is None]
        if lacking:
            read += _bring_back(kafka, partition, lacking)
    return read


def _bring_back(kafka: Kafka, partition: int, lacking: Sequence[Closing]) -> int:
    wanted = {offset for closing in lacking for offset in _earlier(closing)}
    found = bundles_at(kafka, partition, wanted)
    for closing in lacking:
        still = [found[offset] for offset in _earlier(closing) if offset in found]
        earlier = [piece for bundle in still for piece in pieces_of(closing.trace.key, bundle)[0]]
        # In this order: the next revision takes over the pieces that it finds, and whether they are all.
        closing.decided.whole = len(still) == len(_earlier(closing))
        closing.decided.pieces = earlier + closing.trace.pieces
    return len(wanted)


def _earlier(closing: Closing) -> list[int]:
    return closing.decided.records[: len(closing.decided.records) - len(closing.trace.records)]
