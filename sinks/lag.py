"""How far is a group of sinks behind the log, by partition?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from runtime.dead_letters import Record
from sinks import metrics

BROKER_TIMEOUT_S: Final = 2.0

Key = tuple[str, int]


class Lag:
    """What was taken of each partition that `consumer` reads, against what the log holds."""

    def __init__(self, consumer: Consumer, group: str) -> None:
        self._consumer = consumer
        self._group = group
        self._next: dict[Key, tuple[int, float]] = {}

    def taken(self, record: Record) -> None:
        """Everything up to this record of its partition was taken."""
        self._next[record.topic, record.partition] = (record.offset + 1, record.timestamp_ms / 1000)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are someone else's."""
        for each in partitions:
            self._next.pop((each.topic, each.partition), None)
            for gauge in (metrics.LAG_RECORDS, metrics.LAG_SECONDS):
                gauge.remove(self._group, each.topic, str(each.partition))

    def publish(self, now_s: float) -> None:
        """Set the gauges; what nothing was taken of in this process is read from the group's commits, once."""
        mine = self._consumer.assignment()
        self._ask_for([each for each in mine if (each.topic, each.partition) not in self._next])
        for each in mine:
            ends = self._consumer.get_watermark_offsets(each, cached=True)
            known = self._next.get((each.topic, each.partition))
            if ends is None or ends[1] < 0 or known is None:
                continue
            position, newest_s = known
            behind = ends[1] - max(position, ends[0])
            labels = self._group, each.topic, str(each.partition)
            metrics.LAG_RECORDS.labels(*labels).set(behind)
            metrics.LAG_SECONDS.labels(*labels).set(now_s - newest_s if behind and newest_s > 0 else 0)

    def _ask_for(self, unknown: list[TopicPartition]) -> None:
        if not unknown:
            return
        try:
            committed = self._consumer.committed(unknown, timeout=BROKER_TIMEOUT_S)
        except KafkaException:
            return
        for each in committed:
            self._next[each.topic, each.partition] = (max(each.offset, 0), 0.0)
