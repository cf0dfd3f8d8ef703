"""How do topics get to their targets: read, gathered, delivered, committed, in this order?

One thread reads and commits; each target has at most one block under way, on a thread of its own. So a rebalance is
answered while a block waits for a store that is away, and nothing here needs a lock. A partition's offset is
committed once every record up to it is taken or dead-lettered. When a partition is taken away, what was read from it
and isn't under way is forgotten; what is under way is delivered but not committed, and delivered again by the new
owner: a duplicate, which no reader of the store sees.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from runtime.dead_letters import Record
from runtime.kafka import consumer_settings
from runtime.logs import pairs
from sinks import metrics
from sinks.buffers import Buffer, Pace
from sinks.delivery import Delivery, Stopped
from sinks.gathering import gather
from sinks.lag import Lag
from sinks.records import Piece, refused
from tracemill.config import Kafka
from tracemill.errors import Refused

BUSY_WAIT_S: Final = 0.01
QUIET_WAIT_S: Final = 0.2
LOOK_EVERY_S: Final = 0.25
FLUSH_S: Final = 5.0
"""At the end, so long is waited for what was read to be delivered."""
HEARTBEAT_MS: Final = 2_000
FETCHING: Final = {
    "queued.max.messages.kbytes": 16 * 1024,
    "fetch.wait.max.ms": 100,
    "fetch.max.bytes": 16 * 1024**2,
    "check.crcs": True,
}

LOST: Final = "another sink has the same sinks.instance; give each its own"

_log = logging.getLogger(__name__)


class Lane:
    """One topic's way: how its records are read, their buffer, their delivery, and the block that is under way."""

    def __init__(self, topic: str, read: Callable[[Record], Piece], pace: Pace, delivery: Delivery) -> None:
        self.topic = topic
        self.read = read
        self.buffer = Buffer(pace)
        self.delivery = delivery
        self.paused = False
        self._flight: threading.Thread | None = None
        self._block: list[Piece] = []
        self._error: BaseException | None = None
        self._lost: set[int] = set()
        self._sent_rows = self._sent_bytes = 0
        metrics.BUFFERED_ROWS.labels(delivery.name).set_function(lambda: self.buffer.rows + self._sent_rows)
        metrics.BUFFERED_BYTES.labels(delivery.name).set_function(lambda: self.buffer.size + self._sent_bytes)
        metrics.PAUSED.labels(delivery.name).set_function(lambda: self.paused)

    @property
    def busy(self) -> bool:
        """Whether something waits or is under way."""
        return bool(self.buffer) or self.flying

    @property
    def flying(self) -> bool:
        """Whether a block is under way, or has arrived and nobody asked yet."""
        return self._flight is not None

    def start(self, now_ms: float, due: bool) -> None:
        """Send the next block off if none is under way and one is due."""
        if self._flight or not due or not self.buffer:
            return
        rows, size = self.buffer.rows, self.buffer.size
        self._block, self._error, self._lost = self.buffer.take(now_ms), None, set()
        self._sent_rows, self._sent_bytes = rows - self.buffer.rows, size - self.buffer.size
        self._flight = threading.Thread(target=self._fly, name=f"send-{self.delivery.name}", daemon=True)
        self._flight.start()

    def finish(self) -> dict[int, Record]:
        """By partition, the last record of a block that has arrived since the last call.

        Raises:
            Exception: whatever ended the block otherwise.
        """
        if self._flight is None or self._flight.is_alive():
            return {}
        self._flight, block, self._block = None, self._block, []
        self._sent_rows = self._sent_bytes = 0
        if self._error:
            raise self._error
        last = {piece.record.partition: piece.record for piece in block}
        return {partition: record for partition, record in last.items() if partition not in self._lost}

    def lose(self, partitions: Sequence[int]) -> None:
        """Someone else reads these partitions now."""
        self.buffer.drop(partitions)
        self._lost.update(partitions)

    def throttle(self, limit_bytes: int, pause: Callable[[str], None], resume: Callable[[str], None]) -> None:
        """Stop reading the topic while the buffer is full; go on when half of it is gone."""
        full = self.buffer.size >= limit_bytes
        if full != self.paused and (full or self.buffer.size <= limit_bytes // 2):
            (pause if full else resume)(self.topic)
            self.paused = full

    def _fly(self) -> None:
        try:
            self.delivery.deliver(self._block)
        except BaseException as error:
            self._error = error


class Member(NamedTuple):
    """Of a consumer group: which, who it is there, and for how long it keeps its place without being heard of."""

    group: str
    instance: str
    session_timeout_ms: int


class Writer:
    """The loop of one member of a consumer group. `buffer_bytes` is for each lane; above it, its topic isn't read."""

    def __init__(self, kafka: Kafka, member: Member, buffer_bytes: int, lanes: Sequence[Lane]) -> None:
        self._lanes = {lane.topic: lane for lane in lanes}
        self._limit_bytes = buffer_bytes
        self._consumer = Consumer(_settings(kafka, member))
        self._lag = Lag(self._consumer, member.group)
        self._look_due = 0.0
        self._assigned = False

    def ready(self) -> str | None:
        """Why a target gets nothing right now, or None."""
        if not self._assigned:
            return "no partitions assigned yet"
        return next((lane.delivery.trouble for lane in self._lanes.values() if lane.delivery.trouble), None)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; then what was read is delivered, if that takes no longer than FLUSH_S."""
        self._consumer.subscribe(
            list(self._lanes), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        try:
            while not stop.is_set():
                self._read()
                self._step(time.monotonic() * 1000)
            self._flush()
        finally:
            self._lag.forget(self._consumer.assignment())
            self._consumer.close()

    def _read(self) -> None:
        busy = any(lane.busy for lane in self._lanes.values())
        gather(self._consumer, BUSY_WAIT_S if busy else QUIET_WAIT_S, self._room_bytes, self._take)

    def _room_bytes(self) -> int:
        """How much more may be read until a topic has to pause; where all are paused nothing comes."""
        reading = [lane.buffer.size for lane in self._lanes.values() if not lane.paused]
        return self._limit_bytes - max(reading, default=0)

    def _take(self, message: Message) -> None:
        error = message.error()
        if error:
            _raise_if_fatal(error)
            _log.warning(pairs("broker reports an error", error=error.str()))
            return
        lane, record = self._lanes[message.topic()], record_of(message)
        self._lag.read(record)
        lane.buffer.add(piece_of(lane.read, record), time.monotonic() * 1000)

    def _step(self, now_ms: float) -> None:
        for lane in self._lanes.values():
            self._commit(lane)
            lane.start(now_ms, lane.buffer.due(now_ms))
            lane.throttle(self._limit_bytes, self._pause, self._resume)
        if now_ms >= self._look_due:
            self._look_due = now_ms + LOOK_EVERY_S * 1000
            self._lag.look(time.time())

    def _commit(self, lane: Lane, asynchronous: bool = True) -> None:
        arrived = lane.finish()
        if not arrived:
            return
        for record in arrived.values():
            self._lag.taken(record)
        offsets = [TopicPartition(lane.topic, number, record.offset + 1) for number, record in arrived.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=asynchronous)
        except KafkaException as error:
            _log.warning(pairs("commit failed, records will be read again", topic=lane.topic, error=error))

    def _pause(self, topic: str) -> None:
        self._consumer.pause([each for each in self._consumer.assignment() if each.topic == topic])

    def _resume(self, topic: str) -> None:
        self._consumer.resume([each for each in self._consumer.assignment() if each.topic == topic])

    def _flush(self) -> None:
        deadline = time.monotonic() + FLUSH_S
        try:
            while any(lane.busy for lane in self._lanes.values()) and time.monotonic() < deadline:
                for lane in self._lanes.values():
                    self._commit(lane, asynchronous=False)
                    lane.start(time.monotonic() * 1000, due=True)
                time.sleep(BUSY_WAIT_S)
        except Stopped:
            _log.warning(pairs("stopped while a target is away, records will be read again"))

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._assigned = True
        for lane in self._lanes.values():
            lane.paused = False

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for lane in self._lanes.values():
            self._commit(lane, asynchronous=False)
            lane.lose([each.partition for each in partitions if each.topic == lane.topic])
        self._lag.forget(partitions)


def _settings(kafka: Kafka, member: Member) -> dict[str, Any]:
    return consumer_settings(
        kafka,
        member.group,
        **{
            "client.id": member.group,
            "group.instance.id": member.instance,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": member.session_timeout_ms,
            "heartbeat.interval.ms": min(member.session_timeout_ms // 4, HEARTBEAT_MS),
            **FETCHING,
        },
    )


def record_of(message: Message) -> Record:
    """A message that isn't an error, as a record."""
    kind, timestamp = message.timestamp()
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        timestamp if kind else -1,
        tuple(message.headers() or ()),
        message.value() or b"",
    )


def piece_of(read: Callable[[Record], Piece], record: Record) -> Piece:
    """The record as `read` sees it, also when it refuses it."""
    try:
        return read(record)
    except Refused as why:
        return refused(record, why)


def _raise_if_fatal(error: KafkaError) -> None:
    if error.fatal() or error.code() == KafkaError._FATAL:
        _log.error(pairs(LOST if "group.instance.id" in error.str() else "the consumer fails", error=error.str()))
        raise KafkaException(error)
