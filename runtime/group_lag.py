"""How far is a consumer group behind, also where none of its members lives to tell?

Asked from outside: what is committed, where the topics end, and when the next record was appended that isn't committed.
That record is read once for each commit that is found behind, so that a group that stands still costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from runtime.kafka import QUIET, client_settings, consumer_settings
from tracemill import topics
from tracemill.config import Config, Kafka

TIMEOUT_S: Final = 5.0
_SETTINGS: Final = {
    "log_level": QUIET,
    # One record a partition is enough; a broker sends the first whole, however large.
    "fetch.message.max.bytes": 64 * 1024,
    "queued.min.messages": 1,
    "fetch.wait.max.ms": 100,
}

Place = tuple[str, int]
"""A topic and the number of a partition."""


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group: its name, where its Kafka is, and the names of the topics that it reads."""

    name: str
    kafka: Kafka
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Behind:
    """What of a partition isn't committed: how many records, and when the first of them was appended.

    `unread_ms` is None where there is none, or where it couldn't be read.
    """

    records: int
    unread_ms: int | None

    def seconds(self, now_ms: float) -> float | None:
        """The age of the oldest uncommitted record, 0 where there is none, None where it isn't known."""
        if self.unread_ms is None:
            return None if self.records else 0.0
        return max(0.0, now_ms - self.unread_ms) / 1000


def groups(config: Config) -> list[Group]:
    """All groups of consumers that a configuration makes."""
    kafka, sinks, receiver = config.kafka, config.sinks, config.ingest.kafka_receiver
    otlp, spans = (each.name(kafka.namespace) for each in (topics.OTLP, topics.SPANS))
    stored = tuple(each.name(kafka.namespace) for each in topics.STORED)
    found = [Group(config.streams.group, kafka, (otlp,)), Group(sinks.group, kafka, stored)]
    if sinks.otlp_exporter:
        found.append(Group(sinks.otlp_exporter.group, kafka, (spans,)))
    if receiver:
        theirs = Kafka(bootstrap=receiver.bootstrap, security=receiver.security)
        found.append(Group(receiver.group, theirs, (receiver.topic,)))
    return found


class GroupLag:
    """Looks at one group; for one thread at a time. It never joins the group."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._admin = AdminClient(client_settings(group.kafka, log_level=QUIET))
        self._consumer = Consumer(consumer_settings(group.kafka, group.name, **_SETTINGS))
        self._unread: dict[Place, tuple[int, int]] = {}

    def look(self) -> dict[Place, Behind]:
        """What isn't committed, by partition; one that has no leader right now is left out.

        Raises:
            KafkaException: no broker answers.
        """
        all_places = [(topic, number) for topic in self._group.topics for number in self._partitions(topic)]
        first, ends = self._ends(all_places, OffsetSpec.earliest()), self._ends(all_places, OffsetSpec.latest())
        places = [place for place in all_places if place in first and place in ends]
        next_up = {place: max(offset, first[place]) for place, offset in self._committed(places).items()}
        behind = {place: offset for place, offset in next_up.items() if offset < ends[place]}
        self._unread = {place: known for place, known in self._unread.items() if behind.get(place) == known[0]}
        self._read({place: offset for place, offset in behind.items() if place not in self._unread})
        return {place: self._behind(place, ends[place], behind.get(place)) for place in places}

    def _behind(self, place: Place, end: int, offset: int | None) -> Behind:
        if offset is None:
            return Behind(0, None)
        known = self._unread.get(place)
        return Behind(end - offset, known[1] if known else None)

    def close(self) -> None:
        """Look no more."""
        self._consumer.close()

    def _partitions(self, topic: str) -> Iterable[int]:
        """Of a topic that isn't there yet there are none.

        Asked of the admin client each time: `list_offsets` sends the leader's epoch that this client knows, and is
        refused for good (FENCED_LEADER_EPOCH) once a broker was restarted, unless the client hears of the new one.
        """
        return self._admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions

    def _committed(self, places: Sequence[Place]) -> dict[Place, int]:
        """Negative where nothing was ever committed."""
        if not places:
            return {}
        found = self._consumer.committed([TopicPartition(*place) for place in places], timeout=TIMEOUT_S)
        return {(each.topic, each.partition): each.offset for each in found}

    def _ends(self, places: Sequence[Place], which: OffsetSpec) -> dict[Place, int]:
        asked = {TopicPartition(*place): which for place in places}
        answers = self._admin.list_offsets(asked, request_timeout=TIMEOUT_S) if asked else {}
        wait(answers.values())
        known = {each: answer.result().offset for each, answer in answers.items() if not answer.exception()}
        if answers and not known:
            next(iter(answers.values())).result()
        return {(each.topic, each.partition): offset for each, offset in known.items()}

    def _read(self, wanted: Mapping[Place, int]) -> None:
        """Learn when the records at these offsets were appended, as far as that takes no longer than TIMEOUT_S."""
        left = set(wanted)
        if not left:
            return
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in wanted.items()])
        deadline_s = time.monotonic() + TIMEOUT_S
        try:
            while left and time.monotonic() < deadline_s:
                for message in self._consumer.consume(len(left), timeout=0.2):
                    self._note(message, wanted, left)
        finally:
            self._consumer.unassign()

    def _note(self, message: Message, wanted: Mapping[Place, int], left: set[Place]) -> None:
        if message.error():
            raise KafkaException(message.error())
        place = (str(message.topic()), int(message.partition() or 0))
        if place in left:
            left.remove(place)
            self._unread[place] = (wanted[place], message.timestamp()[1])
            self._consumer.incremental_unassign([TopicPartition(*place)])
