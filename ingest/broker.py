"""Does Kafka take what we write? While it doesn't, nothing new is let in; it is asked until it does."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from confluent_kafka import KafkaException, Producer

from ingest.admission import Admission
from runtime.kafka import ensure_topics
from runtime.logs import pairs
from tracemill import topics
from tracemill.config import Config

_LOG = logging.getLogger(__name__)
_ASK_EVERY_S: Final = 0.5
_ANSWER_S: Final = 2.0


class BrokerWatch:
    """Sets `admission.away` and clears it again."""

    def __init__(self, config: Config, admission: Admission) -> None:
        self._config = config
        self._admission = admission
        self._topic = topics.OTLP.name(config.kafka.namespace)
        self._opened = False
        self._asking: asyncio.Task[None] | None = None
        self.producer: Producer | None = None

    async def open(self) -> None:
        """Wait for Kafka, make the topics that are missing, and let requests in.

        Raises:
            ConfigError: a topic isn't as configured.
        """
        while not await asyncio.to_thread(self._has_broker):
            self._say(f"Kafka at {self._config.kafka.bootstrap} doesn't answer", "")
            await asyncio.sleep(_ASK_EVERY_S)
        while not self._opened:
            try:
                await asyncio.to_thread(ensure_topics, self._config.kafka, (topics.OTLP, topics.DEAD_LETTERS))
                self._opened, self._admission.away = True, None
            except KafkaException as error:
                self._say(f"the topics of {self._config.kafka.bootstrap} can't be made or read", str(error))
                await asyncio.sleep(_ASK_EVERY_S)

    def failed(self, why: str) -> None:
        """A record wasn't acknowledged; call on the event loop's thread."""
        if self._opened:
            self._say(why, "")
            self.suspect(why)

    def suspect(self, why: str) -> None:
        """Perhaps no broker can be reached (or an idle connection was closed): ask; on the event loop's thread."""
        if self._opened and self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask(why))

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self, why: str) -> None:
        while not await asyncio.to_thread(self._answers):
            self._say(why, "")
            await asyncio.sleep(_ASK_EVERY_S)
        self._asking = None
        if self._admission.away is not None:
            self._admission.away = None
            _LOG.info(pairs("Kafka answers: requests are taken again", bootstrap=self._config.kafka.bootstrap))

    def _has_broker(self) -> bool:
        assert self.producer is not None
        try:
            return bool(self.producer.list_topics(timeout=_ANSWER_S).brokers)
        except KafkaException:
            return False

    def _answers(self) -> bool:
        """Every partition of `otlp` has a leader, says a broker."""
        assert self.producer is not None
        try:
            found = self.producer.list_topics(self._topic, timeout=_ANSWER_S).topics[self._topic]
        except KafkaException:
            return False
        return bool(found.partitions) and all(partition.leader >= 0 for partition in found.partitions.values())

    def _say(self, why: str, detail: str) -> None:
        if self._admission.away != why:
            bootstrap = self._config.kafka.bootstrap
            _LOG.warning(pairs(f"{why}: requests are refused until this ends", bootstrap=bootstrap, detail=detail))
        self._admission.away = why
