"""Rows are the same however they are cut and however often they are told; what isn't is found, and named."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.reread.decision_rows import IDENTITY
from loadtest.reread.ordered import difference, summary
from tests.builders.decisions import block, row
from tracemill.assembly import blocks

CUT = 1_000
few = settings(max_examples=40)
Rows = list[dict[str, Any]]

drawn_rows = st.lists(
    st.builds(
        row,
        trace=st.integers(1, 30),
        revision=st.integers(1, 3),
        cause=st.integers(0, 40),
        at=st.integers(0, 99),
        span_ids=st.lists(st.integers(0, 2**64 - 1), max_size=3),
        policy=st.sampled_from(["", "errors", "änderung"]),
    ),
    unique_by=lambda each: (each["trace_id"], each["revision"], each["cause"]),
    min_size=1,
    max_size=10,
)


@st.composite
def written(draw: st.DrawFn, rows: Rows) -> list[bytes]:
    """Records that tell these rows first in this order: cut anywhere, and what was told is told again anywhere."""
    records, at = [], 0
    while at < len(rows):
        if at and draw(st.booleans()):
            back = draw(st.integers(0, at))
            records.append(block(rows[back : draw(st.integers(back, at))]))
        size = draw(st.integers(1, len(rows) - at))
        back = draw(st.integers(0, at))
        records.append(block(rows[back : at + size]))
        at += size
    return records


@few
@given(st.data())
def test_rows_cut_otherwise_and_told_again_are_the_same(data: st.DataObject) -> None:
    rows = data.draw(drawn_rows)
    one, other = data.draw(written(rows)), data.draw(written(rows))
    assert summary(one, CUT) == summary(other, CUT)
    assert summary(one, CUT).rows == len(rows)
    assert difference(one, other, CUT) is None


@few
@given(st.data())
def test_a_changed_column_is_found_and_named(data: st.DataObject) -> None:
    rows = data.draw(drawn_rows)
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from([name for name in blocks.SCHEMA.names if name not in IDENTITY]))
    other_value = {
        bool: lambda value: not value,
        str: lambda value: value + "x",
        list: lambda value: [*value, 7],
        type(None): lambda _: 1.0,
    }
    value = rows[place][column]
    changed = rows[place] | {column: other_value.get(type(value), lambda value: value + 1)(value)}
    one = data.draw(written(rows))
    other = data.draw(written([*rows[:place], changed, *rows[place + 1 :]]))
    assert summary(one, CUT) != summary(other, CUT)
    found = difference(one, other, CUT)
    assert found
    assert (found.one, found.other, found.same, found.place) == (rows[place], changed, True, place)
    where, name, told = found.lines("decisions, partition 3", "1 worker", "3 workers")
    assert where == f"decisions, partition 3, row {place}"
    assert f"trace {changed['trace_id'].hex()}, tenant default, revision {changed['revision']}" in name
    assert told.startswith(f"    {column}: ")


@few
@given(st.data())
def test_a_missing_row_is_found_on_either_side(data: st.DataObject) -> None:
    rows = data.draw(drawn_rows)
    place = data.draw(st.integers(0, len(rows) - 1))
    one, other = data.draw(written(rows)), data.draw(written(rows[:place] + rows[place + 1 :]))
    assert summary(one, CUT) != summary(other, CUT)
    found, turned = difference(one, other, CUT), difference(other, one, CUT)
    assert found
    assert turned
    assert (found.one, found.one_at, found.place) == (rows[place], None, place)
    assert (turned.other, turned.other_at, turned.place) == (rows[place], None, place)
    assert found.same is turned.same is False
    lines = list(found.lines("decisions, partition 0", "1 worker", "3 workers"))
    assert lines[1].endswith("; in 3 workers: nowhere")
    if place + 1 < len(rows):
        assert (found.other, found.other_at) == (rows[place + 1], place + 1)
        assert lines[2].endswith(f"; in 1 worker: at row {place + 1}")


@few
@given(st.data())
def test_swapped_rows_are_found_with_where_they_are_instead(data: st.DataObject) -> None:
    rows = data.draw(drawn_rows.filter(lambda rows: len(rows) > 1))
    first, second = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=2, max_size=2)))
    swapped = list(rows)
    swapped[first], swapped[second] = rows[second], rows[first]
    one, other = data.draw(written(rows)), data.draw(written(swapped))
    assert summary(one, CUT) != summary(other, CUT)
    found = difference(one, other, CUT)
    assert found
    assert (found.one, found.other, found.same) == (rows[first], rows[second], False)
    assert (found.place, found.one_at, found.other_at) == (first, second, second)


@given(drawn_rows, st.integers(0, 41))
def test_what_later_records_caused_is_left_out(rows: Rows, cut: int) -> None:
    before = [each for each in rows if each["cause"] < cut]
    assert summary([block(rows)], cut) == summary([block(before)], cut)
    assert difference([block(rows)], [block(before)], cut) is None


def test_a_row_told_again_with_another_value_counts_as_it_was_told_first() -> None:
    rows = [row(1, cause=3), row(2, cause=4)]
    again = [block(rows), block([row(1, cause=3, at=99)])]
    assert summary(again, CUT) == summary([block(rows)], CUT)


def test_no_rows_are_the_same_as_no_records() -> None:
    assert summary([], CUT) == summary([block([])], CUT) == (0, "")
    assert difference([], [block([])], CUT) is None
