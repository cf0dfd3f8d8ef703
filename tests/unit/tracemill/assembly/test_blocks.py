"""A block comes back as it was written; whatever else lies in `decisions.v1` is refused, and in one way only."""

from __future__ import annotations

from contextlib import suppress

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.decisions import block, row, stream
from tracemill.assembly import blocks
from tracemill.assembly.trace import Anchor
from tracemill.sampling.steering import Of, Override, Steering

OVERRIDE = Override("o1", "default", Of.USER, "ada", 1_760_000_100_000)
ANCHOR = Anchor(7, None, 1_760_000_000_000, Steering("abc", (OVERRIDE,)))
ROWS = [row(1), row(2, cause=9)]
VALUE = block(ROWS)


def test_a_block_comes_back_as_it_was_written() -> None:
    table = pa.Table.from_pylist(ROWS, schema=blocks.SCHEMA)
    read = blocks.read(blocks.write(table, ANCHOR))
    assert (read.rows.to_pylist(), read.anchor, read.takeover) == (ROWS, ANCHOR, False)
    begun = blocks.read(blocks.takeover(ANCHOR))
    assert (len(begun.rows), begun.anchor, begun.takeover) == (0, ANCHOR, True)


@settings(max_examples=300)
@given(st.data())
def test_whatever_becomes_of_its_bytes_it_is_a_block_or_a_value_error(data: st.DataObject) -> None:
    value = bytearray(VALUE)
    for at in data.draw(st.lists(st.integers(0, len(value) - 1), min_size=1, max_size=4)):
        value[at] = data.draw(st.integers(0, 255))
    with suppress(ValueError):
        read = blocks.read(bytes(value[: data.draw(st.sampled_from([len(value), len(value) // 2]))]))
        assert len(blocks.keys_of(read.rows)) == len(read.rows.to_pylist())


@pytest.mark.parametrize("value", [b"", b"\xff\xff\xff\xff", VALUE[:-40], VALUE[: len(VALUE) // 2]])
def test_what_arrow_cannot_read_is_a_value_error(value: bytes) -> None:
    with pytest.raises(ValueError, match="not a block of decisions"):
        blocks.read(value)


@pytest.mark.parametrize(
    "metadata", [{}, {b"anchor": b"[]"}, {b"anchor": b'["0", 0, 0, ""]'}, {b"anchor": b"{}"}, {b"anchor": b"\xff"}]
)
def test_a_block_without_a_place_to_begin_again_is_refused(metadata: dict[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="not a block of decisions"):
        blocks.read(stream(blocks.SCHEMA.empty_table(), metadata))


def test_a_block_of_other_columns_or_with_nothing_in_one_is_refused() -> None:
    metadata = {b"anchor": b'[0, 0, 0, ["", []]]'}
    assert len(blocks.read(stream(pa.Table.from_pylist(ROWS, schema=blocks.SCHEMA), metadata)).rows) == 2
    for table in (pa.table({"row": ["decided"]}), pa.Table.from_pylist([row(tenant=None)], schema=blocks.SCHEMA)):
        with pytest.raises(ValueError, match="columns"):
            blocks.read(stream(table, metadata))
