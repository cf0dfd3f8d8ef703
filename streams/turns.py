"""Is it a record's turn? Records are taken without a gap; only what is gone from the log is passed over.

After a rebalance a fetch that was under way may bring records that are ahead of what was taken, or behind it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from runtime.logs import pairs
from streams import metrics
from streams.partitions import Partition

log = logging.getLogger(__name__)

Seek = Callable[[int, int], Awaitable[None]]
"""Makes a partition's next record the one at an offset."""

SEEK_PAUSE_S: Final = 1.0


class Turns:
    """Lets records through in their turn, and asks again for those that are missing.

    Args:
        oldest_offset: of the oldest record that a partition still has; blocks.
        seek: asks for records again.
    """

    def __init__(self, oldest_offset: Callable[[int], int], seek: Seek) -> None:
        self._oldest_offset = oldest_offset
        self._seek = seek

    async def is_next(self, ours: Partition, offset: int, now_s: float) -> bool:
        """Whether the record at `offset` is to be taken; if not, it will come again, or was taken before."""
        wanted = ours.assembler.next_offset
        if offset <= wanted:
            return offset == wanted
        oldest = await asyncio.to_thread(self._oldest_offset, ours.number)
        first = max(wanted, oldest)
        if offset == first:
            if wanted:
                metrics.RECORDS_LOST.inc(first - wanted)
                log.error(pairs("records are gone from the log", partition=ours.number, first=wanted, next=offset))
            return True
        if now_s - ours.sought_at > SEEK_PAUSE_S:
            ours.sought_at = now_s
            log.warning(pairs("a record is ahead of its turn", partition=ours.number, wanted=first))
            await self._seek(ours.number, first)
        return False
