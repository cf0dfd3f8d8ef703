"""What has to be there? What the independent reader makes of `otlp.v1`, partition by partition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from confluent_kafka import Message

from loadtest.chaos.rules import decide
from loadtest.commands import CommandFailed
from loadtest.reader.assembly import Reader
from loadtest.reader.decisions import Row
from loadtest.reader.facts import Fact, Verdict
from runtime.kafka import read_from
from tracemill import topics
from tracemill.config import Assembly, Kafka

READ_S: Final = 900.0
LLM_OPERATION: Final = "chat"


class LogLostError(CommandFailed):
    """The log doesn't begin at its first record any longer, so that nobody can say what had to be decided."""


@dataclass(frozen=True)
class Truth:
    """The readers of all partitions, at the end of the log."""

    readers: list[Reader]

    @cached_property
    def latest(self) -> dict[bytes, tuple[Row, Verdict]]:
        """The last revision of each trace, by its key."""
        return {
            row.key: (row, verdict)
            for reader in self.readers
            for row, verdict in zip(reader.rows, reader.verdicts, strict=True)
        }

    @cached_property
    def spans(self) -> dict[bytes, dict[bytes, Fact]]:
        """All spans of each trace that ever arrived."""
        return {key: spans for reader in self.readers for key, spans in reader.spans().items()}

    @cached_property
    def beyond(self) -> frozenset[bytes]:
        """The keys of traces that became too large for their rows to tell of all their spans."""
        return frozenset(key for reader in self.readers for key in reader.beyond)

    @property
    def open_traces(self) -> int:
        """How many traces haven't closed: none, once all is quiet."""
        return sum(len(reader.open_traces) for reader in self.readers)


def read_truth(kafka: Kafka, limits: Assembly) -> Truth:
    """Read all of `otlp.v1`.

    Raises:
        LogLostError: its beginning was removed.
    """
    readers = [Reader(limits) for _ in range(kafka.partitions)]
    read_all(kafka, topics.OTLP, lambda message: _take(readers, message))
    return Truth(readers)


def _take(readers: list[Reader], message: Message) -> None:
    reader = readers[message.partition() or 0]
    if message.offset() != reader.next_offset:
        raise LogLostError(f"otlp.v1 goes on at {message.offset()}, not at {reader.next_offset}: raise its retention")
    kind = dict(message.headers() or ()).get(topics.HEADER_TYPE)
    _, append_ms = message.timestamp()
    if kind == topics.TYPE_RULES.encode():
        reader.record(append_ms, judge=decide)
    else:
        reader.record(append_ms, message.value() or b"")


def read_all(kafka: Kafka, topic: topics.Topic, each: Callable[[Message], None]) -> None:
    """Hand every record of a topic to `each`."""
    starts = dict.fromkeys(range(topics.partition_count(topic, kafka.partitions)), 0)
    read_from(kafka, topic.name(kafka.namespace), starts, each, READ_S)
