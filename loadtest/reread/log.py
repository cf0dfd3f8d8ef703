"""Which log is read again: where it begins and ends, and how far is a group of workers in it?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from loadtest.commands import CommandFailed
from runtime.kafka import ADMIN_TIMEOUT_S, QUIET, client_settings, consumer_settings
from tracemill import topics
from tracemill.config import Kafka

Answer = TypeVar("Answer")

LOOK_TIMEOUT_S: Final = 5.0
PATIENCE_S: Final = 30.0
PAUSE_S: Final = 0.5

Offsets = list[int]
"""One a partition."""


class NoLogError(CommandFailed):
    """There is nothing to be read again; the text says why, and what to do."""


class LogMovedError(CommandFailed):
    """The oldest records were removed meanwhile, so that two runs wouldn't read the same log."""


class SourceLog:
    """`otlp.v1` as it was found; `first` and `end` are its bounds then."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self.topic = topics.OTLP.name(kafka.namespace)
        self.partitions = _partitions(kafka, self.topic)
        bounds = self._bounds()
        self.first: Offsets = [low for low, _ in bounds]
        self.end: Offsets = [high for _, high in bounds]
        if self.first == self.end:
            raise NoLogError(f"{self.topic} holds no record: send traces, or fill it with `python -m loadtest.fill`")

    def ends(self) -> Offsets:
        """Where it ends now."""
        return [high for _, high in self._bounds()]

    def committed(self, group: str) -> Offsets:
        """How far a group has come; where it committed nothing, the beginning."""
        found = self._ask(group, lambda consumer: consumer.committed(self._places(), timeout=ADMIN_TIMEOUT_S))
        return [max(place.offset, first) for place, first in zip(found, self.first, strict=True)]

    def check_whole(self) -> None:
        """Make sure that it still begins where it did.

        Raises:
            LogMovedError: it doesn't.
        """
        for partition, ((low, _), first) in enumerate(zip(self._bounds(), self.first, strict=True)):
            if low != first:
                raise LogMovedError(
                    f"{self.topic}, partition {partition} began at {first} and begins at {low} now: its retention "
                    "removed records while they were read; raise retention.bytes and retention.ms of that topic"
                )

    def _bounds(self) -> list[tuple[int, int]]:
        return self._ask(
            "tracemill-reader",
            lambda consumer: [
                consumer.get_watermark_offsets(place, timeout=ADMIN_TIMEOUT_S) for place in self._places()
            ],
        )

    def _ask(self, group: str, question: Callable[[Consumer], Answer]) -> Answer:
        """The answer, asked for again for a while: a leader may move, and a topic just made may have none yet."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            consumer = Consumer(consumer_settings(self._kafka, group))
            try:
                return question(consumer)
            except KafkaException:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(PAUSE_S)
            finally:
                consumer.close()

    def _places(self) -> list[TopicPartition]:
        return [TopicPartition(self.topic, number) for number in range(self.partitions)]


def _partitions(kafka: Kafka, topic: str) -> int:
    try:
        admin = AdminClient(client_settings(kafka, log_level=QUIET))
        known = admin.list_topics(timeout=LOOK_TIMEOUT_S)
    except KafkaException as error:
        raise NoLogError(
            f"no broker answers at {kafka.bootstrap} ({error.args[0].str()}): start it, or say where it is with "
            "--bootstrap or kafka.bootstrap"
        ) from error
    if topic not in known.topics:
        raise NoLogError(f"{kafka.bootstrap} has no topic {topic}: say which log is meant with --namespace")
    return len(known.topics[topic].partitions)
