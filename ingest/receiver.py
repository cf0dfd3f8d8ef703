"""What did a Collector write to Kafka? Its kafkaexporter's records take the same way as any request.

A batch of records is read, all of them are written to our log or to dead letters, and then its offsets are committed:
what a crash interrupts is read again, and duplicates are recognised downstream by span id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from ingest import counters
from ingest.child import live, tell
from ingest.counters import Protocol
from ingest.line import Line
from runtime.dead_letters import Record, dead_letter
from runtime.kafka import QUIET, consumer_settings
from runtime.logs import pairs
from tracemill import topics
from tracemill.config import Config, Kafka, KafkaReceiver
from tracemill.errors import Busy, Malformed, Reason, Refused

_LOG = logging.getLogger(__name__)

_BATCH: Final = 100
_POLL_S: Final = 0.25
_RETRY_S: Final = 1.0
_SETTINGS: Final = {"queued.max.messages.kbytes": 32 * 1024, "session.timeout.ms": 10_000, "log_level": QUIET}


class Receiver:
    """Reads the Collector's topic in a consumer group of its own."""

    def __init__(self, config: Config, receiver: KafkaReceiver, line: Line) -> None:
        self._line = line
        self._tenant = receiver.tenant
        self._content = config.dead_letters.content
        self._dead_letters = topics.DEAD_LETTERS.name(config.kafka.namespace)
        self._holding = False
        kafka = Kafka(bootstrap=receiver.bootstrap, security=receiver.security)
        settings = consumer_settings(kafka, receiver.group, **_SETTINGS)
        self._consumer = Consumer(settings)
        self._consumer.subscribe([receiver.topic], on_assign=self._assigned)

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set."""
        try:
            while not stop.is_set():
                messages = await asyncio.to_thread(self._consumer.consume, _BATCH, _POLL_S)
                await self._write_all(messages, stop)
        finally:
            await asyncio.to_thread(self._consumer.close)

    async def _write_all(self, messages: Iterable[Message], stop: asyncio.Event) -> None:
        records = [_record(message) for message in messages if not _failed(message)]
        if not records:
            return
        writing = asyncio.ensure_future(asyncio.gather(*(self._write(record, stop) for record in records)))
        while not (await asyncio.wait((writing,), timeout=_RETRY_S))[0]:
            await self._hold()
        self._release()
        if all(writing.result()):
            await asyncio.to_thread(self._commit, records)

    async def _write(self, record: Record, stop: asyncio.Event) -> bool:
        """Write a record to our log, or to dead letters; again, until the broker has it. False where stopped before."""
        while not stop.is_set():
            try:
                with self._line.admission.enter(len(record.value)):
                    await self._take(record)
                    return True
            except Busy:
                await asyncio.sleep(_RETRY_S)
        return False

    async def _take(self, record: Record) -> None:
        try:
            if not record.value:
                raise Malformed(Reason.MALFORMED, "the record is empty")
            checked = await self._line.intake.take(record.value, self._tenant, Protocol.KAFKA)
        except Busy:
            raise
        except Refused as error:
            await self._bury(record, error)
            self._line.intake.refused(error, Protocol.KAFKA)
        else:
            for reason in list(checked.refusals.by_reason)[:1]:
                await self._bury(record, Malformed(reason, checked.refusals.text))

    async def _bury(self, record: Record, why: Refused) -> None:
        await self._line.log.write(self._dead_letters, 0, dead_letter(record, why, self._content))
        counters.DEAD_LETTERS.labels(why.reason).inc()

    def _commit(self, records: Iterable[Record]) -> None:
        ends: dict[tuple[str, int], int] = {}
        for record in records:
            place = (record.topic, record.partition)
            ends[place] = max(ends.get(place, 0), record.offset + 1)
        try:
            offsets = [TopicPartition(*place, end) for place, end in ends.items()]
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            _LOG.warning(pairs("offsets weren't committed: some records are read again", error=error))

    async def _hold(self) -> None:
        """Stay in the group while nothing can be written: read nothing, but ask for work."""
        self._holding = True
        self._consumer.pause(self._consumer.assignment())
        message: Any = await asyncio.to_thread(self._consumer.poll, 0)
        if message is not None and not message.error():
            self._consumer.seek(TopicPartition(message.topic(), message.partition(), message.offset()))

    def _release(self) -> None:
        if self._holding:
            self._consumer.resume(self._consumer.assignment())
            self._holding = False

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        if self._holding:
            consumer.pause(partitions)


def _failed(message: Message) -> bool:
    error = message.error()
    if error is not None:
        _LOG.warning(pairs("the Collector's topic can't be read", error=error))
    return error is not None


def _record(message: Any) -> Record:
    """A message as a record; its type stubs leave open what a message that was read always has."""
    _, timestamp_ms = message.timestamp()
    headers = message.headers() or []
    return Record(message.topic(), message.partition(), message.offset(), timestamp_ms, headers, message.value() or b"")


async def serve(config: Config, stop: asyncio.Event) -> None:
    """Receive until `stop` is set.

    Raises:
        ConfigError: a topic isn't as configured.
    """
    receiver = config.ingest.kafka_receiver
    assert receiver
    line = Line(config)
    telling = asyncio.create_task(tell(line.admission))
    opening, stopping = asyncio.create_task(line.open()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((opening, stopping), return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            opening.result()
            await Receiver(config, receiver, line).run(stop)
    finally:
        for task in (opening, stopping, telling):
            task.cancel()
        async with line.closing():
            pass


if __name__ == "__main__":
    live("receiver", serve)
