"""How does a flush get into Kafka? Outputs acknowledged, then the decisions, and only then may anyone commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from runtime.kafka import producer_settings
from tracemill import topics
from tracemill.assembly import blocks
from tracemill.assembly.trace import Anchor
from tracemill.config import Kafka
from tracemill.evaluation.output import Output
from tracemill.schema import SPAN_ARROW

ACK_TIMEOUT_S: Final = 120.0
_SETTINGS: Final = {
    "delivery.report.only.error": True,
    "linger.ms": 5,
    "batch.size": 1024 * 1024,
    "queue.buffering.max.messages": 1_000_000,
    "queue.buffering.max.kbytes": 512 * 1024,
}
_RECORD_BYTES: Final = topics.RECORD_BYTES // 2
"""A record of spans is cut at half of what fits, because rows differ in size."""


class OutputError(RuntimeError):
    """Kafka didn't take an output in time; nothing of this flush may be committed."""


class Outputs:
    """The one producer of a worker."""

    def __init__(self, kafka: Kafka, namespace: str) -> None:
        self._producer = Producer(producer_settings(kafka, int(ACK_TIMEOUT_S * 1000), **_SETTINGS))
        self._names = {topic.short: topic.name(namespace) for topic in topics.ALL}
        self._source = topics.OTLP.name(kafka.namespace)
        self._errors: list[KafkaError] = []

    def write(self, outputs: Sequence[Output]) -> None:
        """Write spans, trace rows and signals, and wait until they are acknowledged.

        Raises:
            OutputError: one wasn't.
        """
        for output in outputs:
            for table in output.spans:
                for record in span_records(table):
                    self._send(self._names["spans"], output.partition, record)
            for topic, lines in (("traces", output.traces), ("signals", output.signals)):
                name = self._names[topic]
                for line in lines:
                    self._send(name, output.partition, line)
        self._barrier()

    def write_blocks(self, outputs: Sequence[Output], anchors: Mapping[int, Anchor]) -> None:
        """Write the decisions of each partition with its anchor, and wait until they are acknowledged.

        Raises:
            OutputError: one wasn't.
        """
        for output in outputs:
            table = blocks.SCHEMA.empty_table() if output.block is None else output.block
            parts, anchor = _parts(table), anchors[output.partition]
            for left, part in enumerate(parts, 1 - len(parts)):
                self._send(self._names["decisions"], output.partition, blocks.write(part, anchor, more=left < 0))
        self._barrier()

    def mark_takeover(self, partition: int, start: Anchor, again: int | None) -> None:
        """Write down that a worker begins at `start`, before it reads anything; `again` as in `blocks.takeover`.

        Raises:
            OutputError: Kafka didn't take it.
        """
        self._send(self._names["decisions"], partition, blocks.takeover(start, again))
        self._barrier()

    def tick(self, partition: int) -> None:
        """Append a tick to a partition of `otlp.v1`; nobody waits for it."""
        headers: Any = [(topics.HEADER_TYPE, topics.TYPE_TICK.encode())]
        self._producer.produce(self._source, b"", partition=partition, headers=headers)
        self._producer.poll(0)

    def dead_letter(self, letter: bytes) -> None:
        """Write down what couldn't be read; acknowledged with the next outputs."""
        self._send(self._names["dead-letters"], 0, letter)

    def close(self) -> None:
        """Send what is left."""
        self._producer.flush(5)

    def _send(self, topic: str, partition: int, value: Any) -> None:
        while True:
            try:
                self._producer.produce(topic, value, partition=partition, on_delivery=self._delivered)
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as error:
                raise OutputError(f"{topic}: a record of {len(value)} bytes: {error}") from error
            else:
                return

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._errors.append(error)

    def _barrier(self) -> None:
        left = self._producer.flush(ACK_TIMEOUT_S)
        if left or self._errors:
            raise OutputError(f"{left} records unanswered, {len(self._errors)} refused: {self._errors[:1]}")


def span_records(table: Any) -> list[Any]:
    """A table of spans as records of `spans.v1`: Arrow IPC streams, each a buffer that fits a record."""
    rows = max(1, int(len(table) * _RECORD_BYTES / max(table.nbytes, 1)))
    records = []
    for start in range(0, len(table), rows):
        part = table.slice(start, rows)
        value = _stream(part)
        if len(value) > topics.RECORD_BYTES and len(part) > 1:
            half = len(part) // 2
            records += span_records(part.slice(0, half)) + span_records(part.slice(half))
        else:
            records.append(value)
    return records


def _stream(table: Any) -> Any:
    """One stream with one batch, written into a buffer of its size: one that grows is copied again and again."""
    batch = table.combine_chunks().to_batches()[0]
    buffer = pa.allocate_buffer(_FRAME_BYTES + pa.ipc.get_record_batch_size(batch))
    sink = pa.FixedSizeBufferWriter(buffer)
    with pa.ipc.new_stream(sink, SPAN_ARROW) as writer:
        writer.write_batch(batch)
    return buffer.slice(0, sink.tell())


def _frame_bytes() -> int:
    sink = pa.BufferOutputStream()
    pa.ipc.new_stream(sink, SPAN_ARROW).close()
    return len(sink.getvalue())


_FRAME_BYTES: Final = _frame_bytes()
"""What a stream takes beside its batch: the schema before and the end behind it."""


def _parts(table: Any) -> list[Any]:
    """A block's rows in pieces that fit a record, in order; one empty piece when there are none."""
    rows = max(1, int(len(table) * _RECORD_BYTES / max(table.nbytes, 1)))
    return [table.slice(start, rows) for start in range(0, max(len(table), 1), rows)]
