"""How do records of `spans.v1` become one Arrow stream, without a look at their rows?

A record is an Arrow stream: a schema message, batches with compressed buffers, an end. The batches of many records
with the same schema message, side by side behind one, are a stream too. So the bytes of the rows go to the store as the
stream job wrote them (0.1 µs a span); decoding them here and writing them again costs 8 to 11 µs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

from runtime.dead_letters import Record
from sinks.records import Body, Piece, Table
from tracemill import topics
from tracemill.errors import Malformed, Reason
from tracemill.schema import SPAN_ARROW

END_OF_STREAM: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
KEYS: Final = ("tenant", "trace_id", "span_id", "started_at", "version")
"""Without these columns a row has no place in the store. Any other may be missing, or unknown to this release."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a schema message says: what is wrong with it, or the number of a column that every row has."""

    problem: str | None
    counted: int


def read_spans(record: Record) -> Piece:
    """The batches of a record, after a check of its schema and of how its messages follow each other.

    Raises:
        Malformed: it is no Arrow stream, or its columns aren't those of the span frame.
    """
    try:
        schema, end = _messages(record.value)
        shape = _shape(schema)
        if shape.problem:
            raise Malformed(Reason.WRONG_SCHEMA, shape.problem)
        rows = _count(record.value, shape.counted)
    except (pa.ArrowException, ValueError, OSError, EOFError) as error:
        raise Malformed(Reason.UNDECODABLE, f"not an Arrow stream: {error}") from error
    return Piece(record, rows, schema, memoryview(record.value)[len(schema) : end])


def _messages(value: bytes) -> tuple[bytes, int]:
    """The schema message, and where the last batch ends."""
    source = pa.BufferReader(value)
    if pa.ipc.read_message(source).type != "schema":
        raise EOFError("it doesn't begin with a schema")
    start = end = source.tell()
    while True:
        try:
            kind = pa.ipc.read_message(source).type
        except EOFError:
            return value[:start], end
        if kind != "record batch":
            raise EOFError(f"unexpected {kind} message")
        end = source.tell()


@lru_cache(maxsize=16)
def _shape(schema: bytes) -> _Shape:
    columns = pa.ipc.read_schema(pa.BufferReader(schema))
    missing = [name for name in KEYS if name not in columns.names]
    if missing:
        return _Shape(f"columns missing: {', '.join(missing)}", 0)
    wrong = [field for field in columns if _differs(field)]
    if wrong:
        texts = (f"{field.name} is {field.type}, not {SPAN_ARROW.field(field.name).type}" for field in wrong)
        return _Shape("; ".join(texts), 0)
    return _Shape(None, columns.names.index("version"))


def _differs(field: Any) -> bool:
    return field.name in SPAN_ARROW.names and not field.type.equals(SPAN_ARROW.field(field.name).type)


def _count(value: bytes, column: int) -> int:
    """Rows, by decoding one column of numbers."""
    options = pa.ipc.IpcReadOptions(included_fields=[column], use_threads=False)
    with pa.ipc.open_stream(value, options=options) as stream:
        return sum(batch.num_rows for batch in stream)


def _bodies(pieces: Sequence[Piece]) -> Iterator[Body]:
    for schema in dict.fromkeys(piece.schema for piece in pieces):
        rows = (piece.body for piece in pieces if piece.schema == schema)
        yield schema, *rows, END_OF_STREAM


def _probe() -> bytes:
    sink = pa.BufferOutputStream()
    pa.ipc.new_stream(sink, SPAN_ARROW).close()
    return sink.getvalue().to_pybytes()


SPANS: Final = Table(topics.SPANS, "spans_in", "ArrowStream", read_spans, _bodies, _probe())
