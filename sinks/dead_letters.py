"""How are records written to `dead-letters.v1`, so that none is lost between two topics?"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any, Final

from confluent_kafka import Producer

from runtime.dead_letters import Record, dead_letter
from runtime.kafka import producer_settings
from runtime.logs import pairs
from sinks.delivery import Stopped
from tracemill import topics
from tracemill.config import Config
from tracemill.errors import Refused

PAUSE_S: Final = 1.0

_log = logging.getLogger(__name__)


class DeadLetters:
    """A producer that waits for the broker's acknowledgement; may be used by several threads."""

    def __init__(self, config: Config, stop: threading.Event) -> None:
        self._producer = Producer(producer_settings(config.kafka))
        self._topic = topics.DEAD_LETTERS.name(config.kafka.namespace)
        self._content = config.dead_letters.content
        self._stop = stop

    def send(self, refused: Sequence[tuple[Record, Refused]]) -> None:
        """Returns when the broker has them all, however long it is away.

        Raises:
            Stopped: the process is to end first.
        """
        left = [dead_letter(record, why, self._content) for record, why in refused]
        while left := self._failures(left):
            _log.warning(pairs("dead letters weren't taken and are tried again", count=len(left)))
            if self._stop.wait(PAUSE_S):
                raise Stopped

    def _failures(self, values: Sequence[bytes]) -> list[bytes]:
        failed: list[bytes] = []

        def note(error: Any, message: Any) -> None:
            if error:
                failed.append(message.value())

        for value in values:
            try:
                self._producer.produce(self._topic, value, partition=0, on_delivery=note)
            except BufferError:
                failed.append(value)
        self._producer.flush()
        return failed
