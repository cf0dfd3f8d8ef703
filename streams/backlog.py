"""May more be read, though what closed already isn't written yet? Up to so many bytes of spans."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from tracemill.assembly.trace import Closing, Event

LIMIT_BYTES: Final = 64 * 1024 * 1024
OUTPUT_BYTES: Final = 4 * 1024
"""Memory for what is written about a trace, however small it is: its row, its signal, its decision."""


class Backlog:
    """What closed in all partitions and waits for a flush: whether there is any, and whether it is too much."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.waiting_bytes = 0

    def add(self, events: Iterable[Event]) -> None:
        """These wait too. An open trace that is carried holds its bytes anyway, so it weighs nothing here."""
        for event in events:
            self._some.set()
            self.waiting_bytes += event.trace.size + OUTPUT_BYTES if isinstance(event, Closing) else 0
        if self.waiting_bytes > self._limit_bytes:
            self._room.clear()

    def empty(self) -> None:
        """A flush has taken everything."""
        self._some.clear()
        self.waiting_bytes = 0
        self._room.set()

    async def room(self) -> None:
        """Returns when more may be read."""
        await self._room.wait()

    async def some(self, within_s: float) -> None:
        """Returns when something waits, or the time is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._some.wait(), timeout=within_s)
