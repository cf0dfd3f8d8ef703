"""The digest of rows is that of their values, not of how they lie in memory."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.reread.digest import RowDigest, Summary

SCHEMA = pa.schema(
    [("text", pa.string()), ("id", pa.binary(2)), ("list", pa.list_(pa.int64())), ("number", pa.float64())]
)
Row = tuple[str | None, bytes | None, list[int] | None, float | None]

rows = st.tuples(
    st.none() | st.text(max_size=3),
    st.none() | st.binary(min_size=2, max_size=2),
    st.none() | st.lists(st.integers(0, 2), max_size=2),
    st.none() | st.sampled_from([0.0, 1.0]),
)


def table(some: list[Row]) -> pa.Table:
    columns = list(zip(*some, strict=True)) or [()] * len(SCHEMA)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def digest(*tables: pa.Table) -> Summary:
    made = RowDigest()
    for each in tables:
        made.add(each)
    return made.summary()


@given(st.lists(rows, max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_where_rows_are_cut_makes_no_difference(some: list[Row], left: int, right: int) -> None:
    first, last = sorted((left, right))
    whole = table(some)
    parts = whole.slice(0, first), whole.slice(first, last - first), whole.slice(last)
    assert digest(*parts) == digest(pa.concat_tables(parts)) == digest(whole)


@given(st.lists(rows, max_size=4), st.lists(rows, max_size=4))
def test_it_is_the_same_where_the_rows_are_and_only_there(one: list[Row], other: list[Row]) -> None:
    assert (digest(table(one)) == digest(table(other))) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("ab", b"xx", [1], 0.0), ("c", b"xx", [], 0.0)], [("a", b"xx", [1], 0.0), ("bc", b"xx", [], 0.0)]),
        ([("", b"xx", [1, 2], 0.0), ("", b"xx", [], 0.0)], [("", b"xx", [1], 0.0), ("", b"xx", [2], 0.0)]),
        ([(None, b"xx", [], 0.0)], [("", b"xx", [], 0.0)]),
        ([("", b"xx", None, 0.0)], [("", b"xx", [], 0.0)]),
        ([("", b"xx", [], None), ("", b"xx", [], 0.0)], [("", b"xx", [], 0.0), ("", b"xx", [], None)]),
    ],
)
def test_values_that_join_to_the_same_bytes_are_told_apart(one: list[Row], other: list[Row]) -> None:
    assert digest(table(one)) != digest(table(other))
