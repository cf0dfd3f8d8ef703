"""Which rows does a partition of `decisions.v1` tell, each where it was written first?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from tracemill.assembly import blocks

IDENTITY: Final = ("row", "tenant", "trace_id", "revision", "cause")
"""What makes a row this row: written again with the same values here, it is the same one."""


class FirstTold:
    """Reads the blocks of one partition and leaves out what an earlier block told.

    A worker that takes a partition over tells again what it decides again. Remembers about 60 bytes a row.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def take(self, value: bytes) -> Any:
        """The rows of a block (a table of `blocks.SCHEMA`) that weren't told before.

        Raises:
            ValueError: it is no block of this release.
        """
        rows = blocks.read(value).rows
        columns = (rows.column(name).to_pylist() for name in IDENTITY)
        fresh = [self._is_new(hash(identity)) for identity in zip(*columns, strict=True)]
        return rows if all(fresh) else rows.filter(pa.array(fresh, pa.bool_()))

    def _is_new(self, mark: int) -> bool:
        if mark in self._seen:
            return False
        self._seen.add(mark)
        return True


def told(values: Iterable[bytes], cut: int) -> Iterator[Any]:
    """Tables of the rows that records before the offset `cut` caused, in their order, each row once."""
    first_told = FirstTold()
    for value in values:
        rows = first_told.take(value)
        rows = rows.filter(pc.less(rows.column("cause"), cut))
        if len(rows):
            yield rows
