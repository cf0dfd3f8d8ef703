"""What are a partition's records, one after the other, with bounded memory?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from loadtest.commands import CommandFailed
from runtime.kafka import ADMIN_TIMEOUT_S, consumer_settings
from tracemill.config import Kafka

SILENCE_S: Final = 60.0
_SETTINGS: Final = {"queued.max.messages.kbytes": 16 * 1024}


class SilentError(CommandFailed):
    """A partition's records don't come."""


@dataclass(frozen=True, slots=True)
class Records:
    """The values of one partition, from the oldest to the end as it is when reading begins; each time read anew."""

    kafka: Kafka
    topic: str
    partition: int

    def __iter__(self) -> Iterator[bytes]:
        consumer = Consumer(consumer_settings(self.kafka, "tracemill-reader", **_SETTINGS))
        try:
            low, high = consumer.get_watermark_offsets(
                TopicPartition(self.topic, self.partition), timeout=ADMIN_TIMEOUT_S
            )
            if low < high:
                consumer.assign([TopicPartition(self.topic, self.partition, low)])
                yield from self._through(consumer, high - 1)
        finally:
            consumer.close()

    def _through(self, consumer: Consumer, last: int) -> Iterator[bytes]:
        """The values up to the record at the offset `last`."""
        heard_s = time.monotonic()
        while time.monotonic() - heard_s < SILENCE_S:
            for message in consumer.consume(500, timeout=0.2):
                if message.error():
                    raise KafkaException(message.error())
                yield message.value() or b""
                if (message.offset() or 0) >= last:
                    return
                heard_s = time.monotonic()
        raise SilentError(f"{self.topic}, partition {self.partition}: no record came for {SILENCE_S:.0f} s")
