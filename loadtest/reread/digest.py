"""Are two sequences of rows the same, without holding either? A digest that doesn't depend on where they are cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

DIGEST_BYTES: Final = 8


class Summary(NamedTuple):
    """How many rows there are, and the digest of all."""

    rows: int
    digest: str


class RowDigest:
    """Takes the tables of one sequence of rows, all of one schema without nested lists."""

    def __init__(self) -> None:
        self._streams = defaultdict[str, Any](lambda: blake2b(digest_size=DIGEST_BYTES))
        self._rows = 0

    def add(self, table: Any) -> None:
        """The next rows."""
        self._rows += len(table)
        for name in table.column_names:
            for kind, content in _streams(table.column(name).combine_chunks()):
                self._streams[f"{name} {kind}"].update(content)

    def summary(self) -> Summary:
        """Of all rows so far."""
        whole = blake2b(digest_size=DIGEST_BYTES)
        for name in sorted(self._streams):
            whole.update(f"{name} {self._streams[name].hexdigest()} ".encode())
        return Summary(self._rows, whole.hexdigest() if self._rows else "")


def _streams(column: Any) -> Iterator[tuple[str, bytes]]:
    """A column as bytes that can be joined with those of the rows after it: which are null, lengths, values."""
    yield "valid", _fixed(pc.is_valid(column))
    column = column.drop_null()
    if pa.types.is_list(column.type):
        yield "lengths", _fixed(pc.list_value_length(column))
        column = pc.list_flatten(column)
    if pa.types.is_string(column.type) or pa.types.is_fixed_size_binary(column.type):
        column = column.cast(pa.binary())
        yield "sizes", _fixed(pc.binary_length(column))
        yield "values", b"".join(column.to_pylist())
    else:
        yield "values", _fixed(column)


def _fixed(column: Any) -> bytes:
    return bytes(column.to_numpy(zero_copy_only=False).data)
