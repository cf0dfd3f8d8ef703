"""Blocks of decisions: a ValueError, or rows that can be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.builders.decisions import block, row
from tests.fuzz.target import Target
from tracemill.assembly import blocks
from tracemill.assembly.trace import Anchor


def check_block(value: bytes) -> None:
    """Read it."""
    try:
        read = blocks.read(value)
    except ValueError as error:
        assert str(error).startswith("not a block of decisions")
        return
    assert len(blocks.keys_of(read.rows)) == len(read.rows.to_pylist())
    again = blocks.read(blocks.write(read.rows, read.anchor))
    assert repr(again.rows.to_pylist()) == repr(read.rows.to_pylist())
    assert again.anchor == read.anchor


def _seeds() -> Iterator[bytes]:
    yield block([])
    yield block([row(1), row(2, cause=3)])
    yield blocks.takeover(Anchor(7, None, 0, "x"))


TARGET: Final = Target(check_block, _seeds, largest_bytes=8_192)
