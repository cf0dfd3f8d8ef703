"""When does a partition need a tick? When something is due, everything was read, and nothing comes to move its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from streams import metrics
from streams.partitions import Partition, Partitions

LOOK_EVERY_S: Final = 0.02
TICK_PAUSE_S: Final = 0.25
TICK_MARGIN_MS: Final = 5
SHORTEST_WAIT_MS: Final = 100
"""A partition in which something came so lately needs no tick yet: what comes next moves its time on."""

AtEnd = Callable[[int, int], bool]
"""Whether a partition has been read up to an offset and nothing lies beyond it."""


class Ticks:
    """Appends ticks to our partitions."""

    def __init__(self, partitions: Partitions, append: Callable[[int], None]) -> None:
        self._partitions = partitions
        self._append = append

    async def forever(self, at_end: AtEnd) -> None:
        """Look after all partitions again and again."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.beat(time.monotonic(), at_end)

    def beat(self, now_s: float, at_end: AtEnd) -> None:
        """Append a tick wherever one is needed now."""
        for ours in self._partitions:
            if needs_tick(ours, now_s, at_end):
                ours.ticked_at = now_s
                self._append(ours.number)
                metrics.TICKS.inc()


def needs_tick(ours: Partition, now_s: float, at_end: AtEnd) -> bool:
    """Whether the wall clock says that something is due of which the log doesn't know yet."""
    waited_ms = (now_s - ours.read_at) * 1000
    if waited_ms < SHORTEST_WAIT_MS or now_s - ours.ticked_at < TICK_PAUSE_S:
        return False
    due = ours.assembler.next_due() if at_end(ours.number, ours.assembler.next_offset) else None
    return due is not None and waited_ms >= due + TICK_MARGIN_MS
