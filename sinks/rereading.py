"""How is a part of the log read to its end, once, whatever happens to it meanwhile?

Retention goes on while it is read. What is gone before it was read is found by the offsets that are missing, and a
partition that has lost its place asks the broker where it begins now: a client's own low watermark is as old as its
last fetch, and one that waits for records which are gone would wait for ever.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from runtime.kafka import QUIET, consumer_settings
from sinks.gathering import RECORDS
from sinks.slices import DAMAGED, GONE, Key, Loss, Slice
from sinks.writer import FETCHING
from tracemill.config import Kafka

READER: Final = "tracemill-reader"
"""A group that nobody joins: partitions are taken without asking, and nothing is committed."""
WAIT_S: Final = 0.05
ANSWER_TIMEOUT_S: Final = 5.0
STILL_S: Final = 5.0
"""After so long of nothing it is asked whether there is anything left to wait for."""
SILENT_ROUNDS: Final = 6
"""A partition whose broker answers, so often in a row, and gives no record has one that nobody can read."""

_DAMAGED: Final = frozenset({KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION, KafkaError._NOT_IMPLEMENTED})
_HOPELESS: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
    }
)


class Rereader:
    """Reads slices side by side; `lose` is told what of them can't be had. `trouble` says why nothing comes now."""

    def __init__(
        self, kafka: Kafka, slices: Iterable[Slice], lose: Callable[[Loss], None], still_s: float = STILL_S
    ) -> None:
        self._consumer = Consumer(consumer_settings(kafka, READER, error_cb=self._note, **_SETTINGS))
        self._lose = lose
        self._next = {each.key: each.start for each in slices if len(each)}
        self._ends = {each.key: each.end for each in slices if len(each)}
        self._adrift: set[Key] = set()
        self._paused: set[str] = set()
        self._silent: Counter[Key] = Counter()
        self._still_s = still_s
        self._heard_s = time.monotonic()
        self.trouble: str | None = None
        self._consumer.assign([TopicPartition(*key, offset) for key, offset in self._next.items()])

    def left(self, topic: str) -> bool:
        """Whether something of a topic isn't read yet."""
        return any(key[0] == topic for key in self._next)

    def reading(self, key: Key) -> bool:
        """Whether something of a partition isn't read yet."""
        return key in self._next

    def read(self) -> list[Message]:
        """The next records, of any slice; none when none came within a moment.

        Raises:
            KafkaException: a topic is gone, or may not be read.
        """
        if not self._next:
            time.sleep(WAIT_S)
            return []
        events = self._consumer.consume(RECORDS, timeout=WAIT_S)
        found = []
        moved: set[Key] = set()
        for event in events:
            key = event.topic(), event.partition()
            if event.error():
                if key not in moved and self._stumble(key, event.offset(), event.error()):
                    moved.add(key)  # what else was fetched of it is out of date
            elif key not in moved and self._advance(key, event.offset()):
                found.append(event)
        self._look_after(bool(found))
        return found

    def pause(self, topic: str) -> None:
        """Read no more of a topic for now."""
        self._paused.add(topic)
        self._consumer.pause(self._places(topic))

    def resume(self, topic: str) -> None:
        """Go on with a topic."""
        self._paused.discard(topic)
        self._consumer.resume(self._places(topic))

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _places(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(*key) for key in self._next if key[0] == topic]

    def _advance(self, key: Key, offset: int) -> bool:
        """Note that the record at `offset` is there; whether it belongs to the slice and wasn't read before."""
        expected, end = self._next.get(key), self._ends[key]
        if expected is None or offset < expected:
            return False
        self._skip(key, min(offset, end), GONE)
        if offset >= end:
            return False
        self._pass(key, offset + 1)
        return True

    def _skip(self, key: Key, to: int, why: str) -> None:
        """Everything before the offset `to` that wasn't read is lost."""
        first = self._next.get(key, to)
        if to > first:
            self._lose(Loss(key, first, to - first, why))
            self._pass(key, to)

    def _pass(self, key: Key, to: int) -> None:
        self._next[key] = to
        if to >= self._ends[key]:
            del self._next[key]
            self._adrift.discard(key)
            self._consumer.incremental_unassign([TopicPartition(*key)])

    def _stumble(self, key: Key, offset: int, error: KafkaError) -> bool:
        """Whether the partition is read from another place now, so that what was fetched of it is out of date."""
        if error.fatal() or error.code() in _HOPELESS:
            raise KafkaException(error)
        if error.code() in _DAMAGED and offset <= self._next.get(key, -1):
            # A client says where a damaged batch begins, not where it ends: the next record is tried.
            self._skip(key, self._next[key] + 1, DAMAGED)
            self._read_on(key)
            return True
        if key in self._next and error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._adrift.add(key)
            return True
        self._note(error)
        return False

    def _note(self, error: KafkaError) -> None:
        self.trouble = error.str()

    def _read_on(self, key: Key) -> None:
        """Forget what was fetched of a partition, and read on where nothing was read yet."""
        if key in self._next:
            self._consumer.incremental_unassign([TopicPartition(*key)])
            self._consumer.incremental_assign([TopicPartition(*key, self._next[key])])
            if key[0] in self._paused:
                self._consumer.pause([TopicPartition(*key)])

    def _look_after(self, heard: bool) -> None:
        now_s = time.monotonic()
        if heard:
            self._heard_s, self.trouble = now_s, None
            self._silent.clear()
        still = now_s > self._heard_s + self._still_s
        waiting = [key for key in self._next if key[0] not in self._paused]
        try:
            for key in waiting if still else list(self._adrift):
                self._find(key, still)
        except KafkaException as error:
            self._note(error.args[0])
        if still:
            self._heard_s = time.monotonic()

    def _find(self, key: Key, still: bool) -> None:
        """Ask where a partition begins and ends now, and pass over what is gone, or can't be read.

        A partition may end before what wasn't read yet: it was cut by an election of a replica that didn't have it, or
        its new leader doesn't know yet that the others have it. And damage may be such that a client waits for the rest
        of a record. Both are believed only after a while.
        """
        low, high = self._consumer.get_watermark_offsets(TopicPartition(*key), timeout=ANSWER_TIMEOUT_S)
        self._skip(key, min(low, self._ends[key]), GONE)
        if still and key in self._next:
            self._silent[key] += 1
            self._break_silence(key, high)
        if key in self._adrift:
            self._adrift.discard(key)
            self._read_on(key)

    def _break_silence(self, key: Key, high: int) -> None:
        rounds = self._silent[key] - SILENT_ROUNDS
        if rounds < 0:
            return
        if high <= self._next[key]:
            self._skip(key, self._ends[key], GONE)
        else:
            # Whether one record or a batch of thousands is damaged isn't known: ever more are passed over.
            self._skip(key, min(self._next[key] + 2**rounds, self._ends[key]), DAMAGED)
            self._read_on(key)


_SETTINGS: Final[dict[str, Any]] = {
    **FETCHING,
    # A client that looks for a place by itself would begin again at the oldest record.
    "auto.offset.reset": "error",
    # Behind a batch with a wrong checksum librdkafka 2.16 reads anything as offsets and lengths, or ends the process.
    "check.crcs": False,
    "log_level": QUIET,
}
