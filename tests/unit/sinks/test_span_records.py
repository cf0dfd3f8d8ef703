"""Do records of `spans.v1`, cut and ordered in any way, become streams of the same rows?"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.dead_letters import Record
from sinks.span_records import SPANS, read_spans
from tests.builders.frames import batch, lean_rows, span, span_record
from tracemill.errors import Malformed, Reason
from tracemill.schema import SPAN_ARROW

ROWS = batch(lean_rows(3))


def record(value: bytes) -> Record:
    return Record("tracemill.spans.v1", 0, 7, 0, (), value)


def stream(table: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_batch(table)
    return sink.getvalue().to_pybytes()


def stored(values: Sequence[bytes]) -> list[pa.Table]:
    bodies = SPANS.bodies([read_spans(record(each)) for each in values])
    return [pa.ipc.open_stream(b"".join(body)).read_all() for body in bodies]


@given(st.lists(st.lists(st.integers(0, ROWS.num_rows - 1), max_size=3), max_size=6), st.sampled_from(["zstd", None]))
def test_a_body_holds_the_rows_of_its_records_in_their_order(cuts: list[list[int]], compression: str | None) -> None:
    values = [span_record(*(ROWS.slice(row, 1) for row in cut), compression=compression) for cut in cuts]
    tables = stored(values)
    expected = [ROWS.slice(row, 1) for cut in cuts for row in cut]
    assert len(tables) == bool(values)
    assert all(table.equals(pa.Table.from_batches(expected, SPAN_ARROW)) for table in tables)
    assert [read_spans(record(value)).rows for value in values] == [len(cut) for cut in cuts]


def test_a_stream_that_was_never_closed_is_read() -> None:
    assert read_spans(record(span_record(ROWS)[:-8])).rows == ROWS.num_rows
    assert stored([span_record(ROWS)[:-8], span_record(ROWS)])[0].num_rows == 2 * ROWS.num_rows


def test_records_of_another_release_get_a_body_of_their_own() -> None:
    newer = ROWS.append_column("invented_later", pa.array(range(ROWS.num_rows)))
    older = ROWS.drop_columns(["tool_name"])
    tables = stored([span_record(ROWS), stream(newer), stream(older), span_record(ROWS)])
    assert [table.num_rows for table in tables] == [2 * ROWS.num_rows, ROWS.num_rows, ROWS.num_rows]


def test_the_probe_is_a_stream_without_rows() -> None:
    table = pa.ipc.open_stream(SPANS.probe).read_all()
    assert (table.schema, table.num_rows) == (SPAN_ARROW, 0)


VALUE = span_record(batch([span()]))


@pytest.mark.parametrize(
    ("value", "reason", "text"),
    [
        (b"", Reason.UNDECODABLE, "not an Arrow stream"),
        (b"not arrow at all" * 50, Reason.UNDECODABLE, "not an Arrow stream"),
        (VALUE[:-40], Reason.UNDECODABLE, "not an Arrow stream"),
        (VALUE[:200], Reason.UNDECODABLE, "not an Arrow stream"),
        (VALUE[len(VALUE) // 2 :], Reason.UNDECODABLE, "not an Arrow stream"),
        (stream(ROWS.drop_columns(["trace_id", "version"])), Reason.WRONG_SCHEMA, "missing: trace_id, version"),
        (
            stream(ROWS.set_column(0, "tenant", pa.array([1] * ROWS.num_rows))),
            Reason.WRONG_SCHEMA,
            "tenant is int64, not string",
        ),
    ],
)
def test_what_is_no_record_of_spans_is_refused_with_its_reason(value: bytes, reason: Reason, text: str) -> None:
    with pytest.raises(Malformed, match=text) as refusal:
        read_spans(record(value))
    assert refusal.value.reason is reason


@given(st.data())
def test_a_record_with_bytes_changed_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    value = bytearray(VALUE)
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    try:
        piece = read_spans(record(bytes(value)))
    except Malformed:
        return
    assert piece.rows >= 0
