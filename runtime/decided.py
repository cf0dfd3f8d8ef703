"""What was decided about one trace, and does the log still have its spans? Read from `decisions.v1`, at any age."""

from __future__ import annotations

from typing import NamedTuple

from confluent_kafka import KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec

from runtime.kafka import ADMIN_TIMEOUT_S, QUIET, client_settings, fetch_records, offset_at, read_from
from tracemill import topics
from tracemill.assembly.memory import Memory, decided_rows
from tracemill.assembly.trace import Decided
from tracemill.config import Kafka

MARGIN_MS = 60_000
"""The clocks of brokers may differ by so much."""

FRESH_S = 1.0
"""Retention removes whole segments, now and then: where a partition begins isn't asked for more often."""

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


class Beginnings:
    """Where partitions of `otlp.v1` begin. It keeps one client; may be used by several threads."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._admin: AdminClient | None = None
        self._known: dict[int, tuple[float, Reach]] = {}

    def known(self, partition: int, now_s: float) -> Reach | None:
        """How far back the log of a partition went `FRESH_S` ago at most, if it was asked for since."""
        asked_s, reach = self._known.get(partition, (-FRESH_S, None))
        return reach if now_s < asked_s + FRESH_S else None

    def of(self, partition: int, now_s: float) -> Reach:
        """How far back the log of a partition goes; `now_s` is of any clock.

        Raises:
            TimeoutError, KafkaException: Kafka doesn't answer.
        """
        reach = self._find(partition)
        self._known[partition] = (now_s, reach)
        return reach

    def _find(self, partition: int) -> Reach:
        try:
            oldest = self._ask(partition, OffsetSpec.for_timestamp(0))
            if oldest.offset >= 0:
                return Reach(oldest.offset, oldest.timestamp)
            return Reach(self._ask(partition, OffsetSpec.earliest()).offset, 0)
        except (KafkaException, TimeoutError):
            # A client that has missed a change of leader is refused for good: the next question gets another.
            self._admin = None
            raise

    def _ask(self, partition: int, question: OffsetSpec) -> ListOffsetsResultInfo:
        admin = self._admin = self._admin or AdminClient(client_settings(self._kafka, log_level=QUIET))
        place = TopicPartition(topics.OTLP.name(self._kafka.namespace), partition)
        (answer,) = admin.list_offsets({place: question}, request_timeout=ADMIN_TIMEOUT_S).values()
        return answer.result(ADMIN_TIMEOUT_S)
