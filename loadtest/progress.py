"""How far are the parts? End offsets and lags, asked of Kafka, so that asking costs the parts nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from loadtest.commands import CommandFailed
from runtime.kafka import ADMIN_TIMEOUT_S, client_settings
from tracemill import topics
from tracemill.config import Assembly, Config

_NOT_YET: Final = frozenset(
    {
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)
_LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]
POLL_S: Final = 0.25
SETTLE_S: Final = 4.0
"""All is done when nothing has moved for so long: longer than the quiet period and a flush."""


def still_s(limits: Assembly) -> float:
    """Longer than any trace may be open in silence, until its row is stored."""
    return (limits.max_idle_ms + limits.quiet_period_ms) / 1000 + SETTLE_S


class Standing(NamedTuple):
    """Records written so far, and records that the stream workers and the sinks haven't committed."""

    arrived: int
    traces: int
    spans: int
    streams_behind: int
    sinks_behind: int


class NotDoneError(CommandFailed):
    """Something didn't finish in time; the text says what was seen last."""


class Progress:
    """Watches the topics of one stack."""

    def __init__(self, config: Config) -> None:
        self._kafka = config.kafka
        self._streams, self._sinks = config.streams.group, config.sinks.group
        self._admin = AdminClient(client_settings(config.kafka))

    def standing(self) -> Standing:
        """Where everything is now."""
        arrived, traces, spans = (self._ends(topic) for topic in (topics.OTLP, topics.TRACES, topics.SPANS))
        return Standing(
            arrived=sum(arrived.values()),
            traces=sum(traces.values()),
            spans=sum(spans.values()),
            streams_behind=self._behind(self._streams, arrived),
            sinks_behind=self._behind(self._sinks, traces | spans),
        )

    def wait_until_decided(self, traces: int, timeout_s: float) -> float:
        """When, on the monotonic clock, the last record of `traces.v1` was written, once there are `traces`.

        Raises:
            NotDoneError: that didn't happen within `timeout_s`.
        """
        return self._wait(lambda now: now.traces >= traces, timeout_s)

    def wait_until_stored(self, traces: int, timeout_s: float) -> float:
        """When, on the monotonic clock, the last record was stored, once `traces` records of `traces.v1` are.

        Raises:
            NotDoneError: that didn't happen within `timeout_s`.
        """
        return self._wait(lambda now: now.traces >= traces and now.sinks_behind == 0, timeout_s)

    def wait_until_quiet(self, still_s: float, timeout_s: float) -> float:
        """When anything moved last, once nobody is behind and nothing has moved for so long.

        A trace may be open though nobody is behind: `still_s` has to be longer than any may be open in silence.

        Raises:
            NotDoneError: that didn't happen within `timeout_s`.
        """
        return self._wait(lambda now: now.streams_behind == now.sinks_behind == 0, timeout_s, still_s)

    def _wait(self, done: Callable[[Standing], bool], timeout_s: float, still_s: float = SETTLE_S) -> float:
        """When anything moved last, once it is done and nothing has moved for a while."""
        deadline = time.monotonic() + timeout_s
        before, moved_s = self.standing(), time.monotonic()
        while True:
            time.sleep(POLL_S)
            now, now_s = self.standing(), time.monotonic()
            if now != before:
                before, moved_s = now, now_s
            if done(now) and now_s - moved_s > still_s:
                return moved_s
            if now_s > deadline:
                raise NotDoneError(f"not all was done within {timeout_s:.0f} s: {now}")

    def _ends(self, topic: topics.Topic) -> dict[tuple[str, int], int]:
        name, count = topic.name(self._kafka.namespace), topics.partition_count(topic, self._kafka.partitions)
        asked = {TopicPartition(name, partition): _LATEST for partition in range(count)}

        def ask() -> dict[tuple[str, int], int]:
            answers = self._admin.list_offsets(asked)
            return {(each.topic, each.partition): answers[each].result(ADMIN_TIMEOUT_S).offset for each in answers}

        return _answered(ask)

    def _behind(self, group: str, written: dict[tuple[str, int], int]) -> int:
        done = self._committed(group, list(written))
        return sum(end - done.get(place, 0) for place, end in written.items())

    def _committed(self, group: str, places: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Offsets that a group committed; a partition that it never committed is left out."""
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(*place) for place in places])

        def ask() -> dict[tuple[str, int], int]:
            (answer,) = self._admin.list_consumer_group_offsets([asked]).values()
            found = answer.result(ADMIN_TIMEOUT_S).topic_partitions
            return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}

        return _answered(ask)


def _answered(ask: Callable[[], dict[tuple[str, int], int]]) -> dict[tuple[str, int], int]:
    """The answer, asked for again while a broker or a topic is too young to give one."""
    deadline = time.monotonic() + ADMIN_TIMEOUT_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in _NOT_YET or time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)
