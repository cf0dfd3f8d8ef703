"""Rows of traces and spans are the same in any order, however often; what isn't is found, and named."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.reread.unordered import SpanRows, TraceRows, Unordered
from tests.builders.bundles import span_id, trace_id
from tracemill.schema import SPAN_ARROW

CUT = 1_000
few = settings(max_examples=40)
Rows = list[dict[str, Any]]


def trace_row(trace: int, revision: int = 1, **columns: Any) -> dict[str, Any]:
    return {
        "tenant": "default",
        "trace_id": trace_id(trace).hex(),
        "revision": revision,
        "models": ["a"],
        "cost_usd": None,
        "decision": "keep",
        "version": 10 * trace + revision,
        **columns,
    }


def span_row(trace: int, revision: int = 1, **columns: Any) -> dict[str, Any]:
    return {
        "tenant": "default",
        "trace_id": trace_id(trace),
        "span_id": span_id(trace),
        "decision": "keep",
        "policy": "default",
        "probability": 1.0,
        "adjusted_count": 1.0,
        "revision": revision,
        "late": False,
        "version": 10 * trace + revision,
        **columns,
    }


def trace_records(rows: Rows, cut: int) -> list[bytes]:
    return [orjson.dumps(row) for row in rows]


def span_records(rows: Rows, cut: int) -> list[bytes]:
    return [_stream(part) for part in (rows[:cut], rows[cut:]) if part]


def _stream(rows: Rows) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SPAN_ARROW) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=SPAN_ARROW))
    return sink.getvalue().to_pybytes()


KINDS = pytest.mark.parametrize(
    ("compared", "row", "records"),
    [(Unordered(TraceRows()), trace_row, trace_records), (Unordered(SpanRows()), span_row, span_records)],
    ids=["traces", "spans"],
)
identities = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 3)), unique=True, min_size=1, max_size=12)


@KINDS
@few
@given(data=st.data())
def test_order_and_repetition_make_no_difference(compared: Any, row: Any, records: Any, data: st.DataObject) -> None:
    rows = [row(*each) for each in data.draw(identities)]
    more = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows), max_size=5))))
    one, other = records(rows, data.draw(st.integers(0, 12))), records(more, data.draw(st.integers(0, 12)))
    assert compared.summary(one, CUT) == compared.summary(other, CUT)
    assert compared.summary(one, CUT).rows == len(rows)
    assert compared.difference(one, other, CUT) is None


@KINDS
@few
@given(data=st.data())
def test_a_changed_column_is_found_and_named(compared: Any, row: Any, records: Any, data: st.DataObject) -> None:
    rows = [row(*each) for each in data.draw(identities)]
    place = data.draw(st.integers(0, len(rows) - 1))
    column, value = data.draw(st.sampled_from([("decision", "drop"), ("version", 0)]))
    changed = rows[place] | {column: value}
    others = data.draw(st.permutations([*rows[:place], changed, *rows[place + 1 :]]))
    one, other = records(rows, 3), records(others, 5)
    assert compared.summary(one, CUT) != compared.summary(other, CUT)
    found = compared.difference(one, other, CUT)
    assert found
    assert found.same
    assert (found.one[column], found.other[column]) == (rows[place][column], value)
    assert {name for name in found.one if found.one[name] != found.other[name]} == {column}
    lines = list(found.lines("traces, partition 1", "1 worker", "3 workers"))
    assert lines[2].startswith(f"    {column}: ")
    assert lines[2].endswith(f", {value} in 3 workers")


@KINDS
@few
@given(data=st.data())
def test_a_missing_row_is_found_on_either_side(compared: Any, row: Any, records: Any, data: st.DataObject) -> None:
    rows = [row(*each) for each in data.draw(identities)]
    place = data.draw(st.integers(0, len(rows) - 1))
    one, other = records(rows, 2), records(rows[:place] + rows[place + 1 :], 2)
    found, turned = compared.difference(one, other, CUT), compared.difference(other, one, CUT)
    assert (found.one, found.other, found.same) == (rows[place], None, False)
    assert (turned.one, turned.other, turned.same) == (None, rows[place], False)
    assert list(found.lines("here", "1 worker", "3 workers"))[1].endswith("in 3 workers: nowhere")


@KINDS
def test_what_later_records_caused_is_left_out(compared: Any, row: Any, records: Any) -> None:
    before, after = row(1), row(2, version=50)
    one, other = records([before, after], 1), records([before], 1)
    assert compared.summary(one, 50) == compared.summary(other, 50)
    assert compared.difference(one, other, 50) is None
    assert compared.summary(one, 51) != compared.summary(other, 51)


@KINDS
def test_two_values_of_one_revision_are_not_one(compared: Any, row: Any, records: Any) -> None:
    one, other = records([row(1), row(1, decision="drop")], 1), records([row(1)], 1)
    assert compared.summary(one, CUT).rows == 2
    found = compared.difference(one, other, CUT)
    assert (found.one["decision"], found.other) == ("drop", None)


def test_no_records_are_no_rows() -> None:
    for kind in (TraceRows(), SpanRows()):
        assert Unordered(kind).summary([], CUT) == (0, "")
