"""Which partitions are this worker's, and what does it keep of each?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Set
from dataclasses import dataclass, field
from typing import Any

from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.trace import Event
from tracemill.sampling.history import History

TakeOver = Callable[[int], Coroutine[Any, Any, "Partition"]]
"""Takes a partition over: everything that was known of it where its last worker committed."""


@dataclass(slots=True, eq=False)
class Partition:
    """One partition that was taken over.

    `skips` are the offsets of records that nobody reads, `committed` is the commit's, `events` what closed and wasn't
    flushed yet. `read_at`, `sought_at` and `ticked_at` are when something was last read, asked for again and appended,
    in seconds of one steady clock; nothing is unread that was appended before `read_through_ms`, by the broker's clock.
    """

    number: int
    assembler: Assembler
    memory: Memory
    history: History
    skips: Set[int]
    committed: int
    read_at: float
    read_through_ms: float
    sought_at: float = float("-inf")
    ticked_at: float = float("-inf")
    events: list[Event] = field(default_factory=list)

    def collect(self) -> list[Event]:
        """What closed with the last records; it waits for the next flush from now on."""
        events = self.assembler.take()
        self.events += events
        return events

    def take(self) -> list[Event]:
        """Everything that waits, for a flush."""
        events, self.events = self.events, []
        return events


class Partitions:
    """The partitions that are ours, in the order of their numbers; others are ours but not taken over yet."""

    def __init__(self, take_over: TakeOver) -> None:
        self._take_over = take_over
        self._ours: dict[int, Partition] = {}
        self._coming: dict[int, asyncio.Task[Partition]] = {}
        self._joined = False

    def __iter__(self) -> Iterator[Partition]:
        return iter(sorted(self._ours.values(), key=lambda ours: ours.number))

    def __contains__(self, partition: Partition) -> bool:
        """Whether it is still ours, and was never given away in between."""
        return self._ours.get(partition.number) is partition

    @property
    def coming(self) -> int:
        """How many are being taken over."""
        return len(self._coming)

    def assign(self, numbers: Set[int]) -> None:
        """These partitions, and no others, are ours from now on."""
        self._joined = True
        for gone in (self._ours.keys() | self._coming.keys()) - numbers:
            self._drop(gone)
        for number in numbers - self._ours.keys() - self._coming.keys():
            self._coming[number] = asyncio.create_task(self._come(number))

    async def get(self, number: int) -> Partition | None:
        """A partition, as soon as it is taken over; None if it isn't ours, or no longer.

        Raises:
            Exception: it can't be taken over.
        """
        coming = self._coming.get(number)
        if coming is None:
            return self._ours.get(number)
        await asyncio.wait([coming])
        return None if coming.cancelled() else coming.result()

    def why_not_ready(self) -> str | None:
        """What has to happen before all of them are worked on, or None."""
        if not self._joined:
            return "hasn't joined its consumer group yet"
        return f"takes over the partitions {sorted(self._coming)}" if self._coming else None

    def check(self) -> None:
        """Nothing is wrong, as far as one knows.

        Raises:
            Exception: a partition can't be taken over; it may be one in which nothing comes that would ask for it.
        """
        for task in self._coming.values():
            if task.done() and not task.cancelled():
                task.result()

    async def _come(self, number: int) -> Partition:
        ours = await self._take_over(number)
        self._ours[number] = ours
        del self._coming[number]
        return ours

    def _drop(self, number: int) -> None:
        self._ours.pop(number, None)
        task = self._coming.pop(number, None)
        if task is not None:
            task.cancel()
