"""How does a process write a record now and then, and know that Kafka has it? One producer, made when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any, Final, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from runtime.kafka import QUIET, producer_settings
from tracemill.config import Kafka

TIMEOUT_S: Final = 15.0
"""So long a record is tried."""
QUEUE_KIB: Final = 64 * 1024
_POLL_S: Final = 0.1

Headers = Sequence[tuple[str, bytes]]


class Outbox:
    """Writes records (acks=all, idempotent); may be used by several threads. A thread of its own polls.

    An idempotent producer that has failed for good writes nothing more: then the next record gets another one.
    """

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka
        self._producer: Producer | None = None
        self._making = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(
        self, topic: str, value: bytes | None, partition: int, key: str | None = None, headers: Headers = ()
    ) -> Future[int]:
        """The record's offset, once every replica in sync has it.

        Its exceptions: KafkaException, the broker didn't take it in `TIMEOUT_S`; BufferError, too many are waiting.
        """
        sent = Future[int]()
        sent.set_running_or_notify_cancel()

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                sent.set_result(int(message.offset() or 0))
            else:
                sent.set_exception(KafkaException(error))

        told: Any = list(headers)
        try:
            self._open().produce(topic, value, key, partition=partition, headers=told, on_delivery=delivered)
        except (BufferError, KafkaException) as error:
            sent.set_exception(error)
        return sent

    def close(self) -> None:
        """Wait for what is under way."""
        with self._making:
            producer, self._producer = self._producer, None
        if producer is not None:
            producer.flush(TIMEOUT_S)

    def _open(self) -> Producer:
        with self._making:
            if self._producer is None:
                more = {"log_level": QUIET, "error_cb": self._failed, "queue.buffering.max.kbytes": QUEUE_KIB}
                self._producer = Producer(producer_settings(self.kafka, int(TIMEOUT_S * 1000), **more))
                Thread(target=self._poll, args=(self._producer,), name="outbox", daemon=True).start()
            return self._producer

    def _poll(self, producer: Producer) -> None:
        while producer is self._producer or len(producer):
            producer.poll(_POLL_S)

    def _failed(self, error: KafkaError) -> None:
        """On the poller's thread, which belongs to the producer that failed."""
        if error.fatal():
            self._producer = None
