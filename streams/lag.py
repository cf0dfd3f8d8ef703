"""How far has a worker read its partitions, and how long has what comes next been waiting? See `runtime.lag`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from runtime.lag import lag_s
from streams.partitions import Partition, Partitions

LOOK_EVERY_S: Final = 0.25


class End(NamedTuple):
    """Where a partition ended, and when Kafka said so, in milliseconds since the epoch."""

    offset: int
    at_ms: float


EndOf = Callable[[int], End | None]
"""What is known of a partition's end, on any thread; None while that is nothing."""


class Lag:
    """Of the partitions of a worker."""

    def __init__(self, partitions: Partitions, end_of: EndOf) -> None:
        self._partitions = partitions
        self._end_of = end_of

    async def forever(self) -> None:
        """Note again and again what has been read to its end: what comes next can't have waited since before."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Note it once."""
        for ours in self._partitions:
            end = self._end_of(ours.number)
            if end and ours.assembler.next_offset >= end.offset:
                ours.read_through_ms = end.at_ms

    def is_at_end(self, number: int, offset: int) -> bool:
        """Whether a partition has been read up to an offset and nothing is known to lie beyond it."""
        end = self._end_of(number)
        return end is not None and offset >= end.offset

    def of(self, ours: Partition, now_ms: float) -> tuple[float, int] | None:
        """Seconds and records; None where nothing is known of the partition's end yet."""
        end = self._end_of(ours.number)
        if end is None:
            return None
        behind = max(0, end.offset - ours.assembler.next_offset)
        return lag_s(behind, ours.read_through_ms, end.at_ms, now_ms), behind
