"""How far back does a topic go, and where in it does a time lie?

The broker is asked each time: what a client remembers of a partition's beginning is older than what retention has
removed since.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec

from runtime.kafka import ADMIN_TIMEOUT_S, QUIET, client_settings
from tracemill.config import ConfigError, Kafka

Answer = TypeVar("Answer")

PATIENCE_S: Final = 30.0
"""A leader may move, and retention may remove a record between two questions: so long is asked again."""
PAUSE_S: Final = 0.2

BEGINNING: Final = 0.0
"""A reach: nothing was ever removed."""
NOTHING: Final = math.inf
"""A reach: everything was removed."""


@dataclass(frozen=True, slots=True)
class Extent:
    """A partition's records: from the offset `first` to before `end`; `oldest_ms` is the time of the one at `first`."""

    first: int
    end: int
    oldest_ms: int | None

    @property
    def reach_ms(self) -> float:
        """From when on nothing is missing, in milliseconds since 1970."""
        if self.first == 0:
            return BEGINNING
        return NOTHING if self.oldest_ms is None else self.oldest_ms


@dataclass(frozen=True, slots=True)
class Reach:
    """What a topic holds, by partition."""

    topic: str
    extents: Mapping[int, Extent]

    @property
    def whole_from_ms(self) -> float:
        """From when on nothing is missing in any partition."""
        return max(extent.reach_ms for extent in self.extents.values())

    @property
    def emptied(self) -> list[int]:
        """Partitions that held records and hold none any longer."""
        return [number for number, extent in self.extents.items() if extent.reach_ms == NOTHING]


class TopicOffsets:
    """Questions about one topic's partitions.

    Raises:
        ConfigError: there is no such topic.
        KafkaException: no broker answers.
    """

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._admin = AdminClient(client_settings(kafka, log_level=QUIET))
        self.topic = topic
        known = self._admin.list_topics(timeout=ADMIN_TIMEOUT_S).topics
        if topic not in known:
            raise ConfigError(f"{kafka.bootstrap} has no topic {topic}: is kafka.namespace right?")
        self.partitions = sorted(known[topic].partitions)

    def reach(self) -> Reach:
        """What the topic holds now.

        Raises:
            TimeoutError: that can't be found out; the text says why.
        """
        return Reach(self.topic, self._insist(self._extents))

    def at(self, time_ms: int) -> dict[int, int]:
        """By partition, the offset of the first record written at this time or later; the end where there is none.

        Raises:
            TimeoutError: that can't be found out; the text says why.
        """
        return self._insist(lambda: self._at(time_ms))

    def _at(self, time_ms: int) -> dict[int, int]:
        found = self._ask(OffsetSpec.for_timestamp(time_ms))
        ends = self._ask(OffsetSpec.latest())
        return {number: ends[number].offset if info.offset < 0 else info.offset for number, info in found.items()}

    def _extents(self) -> dict[int, Extent]:
        firsts = self._ask(OffsetSpec.earliest())
        oldest = self._ask(OffsetSpec.for_timestamp(0))
        ends = self._ask(OffsetSpec.latest())
        return {number: _extent(number, firsts[number], oldest[number], ends[number]) for number in self.partitions}

    def _ask(self, question: OffsetSpec) -> dict[int, ListOffsetsResultInfo]:
        places = {TopicPartition(self.topic, number): question for number in self.partitions}
        answers = self._admin.list_offsets(places, request_timeout=ADMIN_TIMEOUT_S)
        # Without a limit of its own an answer about a topic that is gone is waited for endlessly.
        return {place.partition: answer.result(ADMIN_TIMEOUT_S) for place, answer in answers.items()}

    def _insist(self, question: Callable[[], Answer]) -> Answer:
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return question()
            except (KafkaException, TimeoutError, _Unsettled) as error:
                if time.monotonic() > deadline_s:
                    raise TimeoutError(f"{self.topic}: {_told(error)}") from error
            time.sleep(PAUSE_S)


class _Unsettled(Exception):
    """Answers that don't fit together; the text says why."""


def _extent(
    number: int, earliest: ListOffsetsResultInfo, oldest: ListOffsetsResultInfo, latest: ListOffsetsResultInfo
) -> Extent:
    """A partition without a record begins where it ends; one that has some and tells the time of none isn't empty."""
    if oldest.offset >= 0:
        return Extent(oldest.offset, latest.offset, oldest.timestamp)
    if earliest.offset < latest.offset:
        raise _Unsettled(f"partition {number} tells no time of its oldest record, at {earliest.offset}")
    return Extent(latest.offset, latest.offset, None)


def _told(error: Exception) -> str:
    if isinstance(error, KafkaException):
        return str(error.args[0].str())
    return str(error) or "no answer"
