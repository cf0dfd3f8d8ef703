"""How long has the oldest record been waiting that a group of sinks hasn't delivered, by partition?

What is known is noted by the thread that reads, because a consumer serves one thread at a time. What is told of it is
computed when it is asked for, so that it grows while that thread hangs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from runtime.dead_letters import Record
from runtime.lag import lag_s
from sinks import metrics

BROKER_TIMEOUT_S: Final = 2.0
ASK_EVERY_S: Final = 10.0


@dataclass(slots=True)
class _Place:
    """How far a partition is delivered.

    `offset` is of the next record, whatever was written before `through_ms` is delivered; at `told_ms` the partition
    ended at `end`.
    """

    offset: int
    through_ms: float
    end: int
    told_ms: float

    @property
    def behind(self) -> int:
        return max(0, self.end - self.offset)

    def lag_s(self) -> float:
        return lag_s(self.behind, self.through_ms, self.told_ms, time.time() * 1000)


class Lag:
    """What was delivered of each partition that `consumer` reads, against what the log holds."""

    def __init__(self, consumer: Consumer, group: str) -> None:
        self._consumer = consumer
        self._group = group
        self._places: dict[tuple[str, int], _Place] = {}
        self._asked_s = float("-inf")

    def read(self, record: Record) -> None:
        """This record was read: if it is the next to be delivered, nothing older isn't."""
        place = self._places.get((record.topic, record.partition))
        if place is None:
            now_ms = time.time() * 1000
            self._know(
                record.topic,
                record.partition,
                _Place(record.offset, record.timestamp_ms, record.offset + 1, now_ms),
            )
        elif place.offset == record.offset:
            place.through_ms = record.timestamp_ms

    def taken(self, record: Record) -> None:
        """Everything up to this record of its partition was delivered."""
        place = self._places.get((record.topic, record.partition))
        if place is not None:
            place.offset, place.through_ms = record.offset + 1, record.timestamp_ms

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are someone else's."""
        for each in partitions:
            self._places.pop((each.topic, each.partition), None)
            for gauge in (metrics.LAG_RECORDS, metrics.LAG_SECONDS):
                gauge.remove(self._group, each.topic, str(each.partition))

    def look(self, now_s: float) -> None:
        """Note where our partitions end; where nothing was read yet, the group's commit says how far they are."""
        mine = self._consumer.assignment()
        unknown = [each for each in mine if (each.topic, each.partition) not in self._places]
        if unknown and now_s >= self._asked_s + ASK_EVERY_S:
            self._asked_s = now_s
            self._ask_for(unknown, now_s)
        for each in mine:
            ends = self._consumer.get_watermark_offsets(each, cached=True)
            place = self._places.get((each.topic, each.partition))
            if place is None or ends is None or ends[1] < 0:
                continue
            place.offset = max(place.offset, ends[0])
            place.end, place.told_ms = ends[1], now_s * 1000
            if not place.behind:
                place.through_ms = place.told_ms

    def _know(self, topic: str, partition: int, place: _Place) -> None:
        self._places[topic, partition] = place
        labels = self._group, topic, str(partition)
        metrics.LAG_RECORDS.labels(*labels).set_function(lambda: place.behind)
        metrics.LAG_SECONDS.labels(*labels).set_function(place.lag_s)

    def _ask_for(self, unknown: list[TopicPartition], now_s: float) -> None:
        try:
            committed = self._consumer.committed(unknown, timeout=BROKER_TIMEOUT_S)
        except KafkaException:
            return
        for each in committed:
            offset = max(each.offset, 0)
            self._know(each.topic, each.partition, _Place(offset, now_s * 1000, offset, now_s * 1000))
