"""When is what closed decided, and in which order is it written? Outputs, decisions, memory, and the commit last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import pyarrow as pa

from streams import metrics
from streams.backlog import Backlog
from streams.deciding import Batches
from streams.partitions import Partition, Partitions
from tracemill.assembly.trace import Anchor, Event
from tracemill.config import Streams
from tracemill.evaluation.flush import Batch
from tracemill.evaluation.output import Output

Commit = Callable[[Mapping[int, int]], Awaitable[None]]
"""Commits offsets by partition; what isn't assigned any longer is left out."""

WriteBlocks = Callable[[Sequence[Output], Mapping[int, Anchor]], None]
"""Writes the decisions of each partition with its anchor, and returns when they are acknowledged."""

MANY_TRACES: Final = 250
"""A flush of more is a sign of load: the next one may wait, because large flushes cost less a span."""

QUIET_S: Final = 1.0
"""Where nothing closes, the commit still follows the ticks."""


class Flushes:
    """Flushes all partitions at once.

    Args:
        partitions: ours.
        backlog: what closed in them.
        decide: decides what closed, and returns when the outputs are acknowledged; blocks.
        write_blocks: blocks.
        commit: what nobody has to read again.
        pace: how long a flush waits for more.
    """

    def __init__(
        self,
        partitions: Partitions,
        backlog: Backlog,
        decide: Callable[[Batches], list[Output]],
        write_blocks: WriteBlocks,
        commit: Commit,
        pace: Streams,
    ) -> None:
        self._partitions = partitions
        self._backlog = backlog
        self._decide = decide
        self._write_blocks = write_blocks
        self._commit = commit
        self._pace = pace

    async def forever(self) -> None:
        """Flush whatever closed: at once when it is quiet, at most once in a while under load."""
        while True:
            await self._backlog.some(QUIET_S)
            self._partitions.check()
            began = time.monotonic()
            closed = await self.flush()
            took_s = time.monotonic() - began
            if closed:
                metrics.FLUSH_SECONDS.observe(took_s)
            await asyncio.sleep(pause_s(self._pace, closed, took_s))

    async def flush(self) -> int:
        """Decide and write what closed so far; then commit. How much closed."""
        taken = [(ours, ours.take()) for ours in self._partitions]
        self._backlog.empty()
        batches = [Batch(ours.number, events, ours.history) for ours, events in taken if events]
        outputs = await asyncio.to_thread(self._decide, batches) if batches else []
        anchors = {ours.number: ours.assembler.release(events) for ours, events in taken}
        moved = [ours for ours, _ in taken if anchors[ours.number].offset > ours.committed]
        told = {output.partition: output for output in outputs}
        written = sorted({ours.number for ours in moved} | told.keys())
        if written:
            blocks = [told.get(number) or Output(number) for number in written]
            await asyncio.to_thread(self._write_blocks, blocks, anchors)
            for ours, events in taken:
                metrics.decided(ours.assembler, events, time.time() * 1000)
                if ours.number in told:
                    remember(ours, events, told[ours.number])
            await self._follow([ours for ours in moved if ours in self._partitions], anchors)
        return sum(len(batch.events) for batch in batches)

    async def _follow(self, moved: Sequence[Partition], anchors: Mapping[int, Anchor]) -> None:
        """Commit where reading would have to begin again."""
        await self._commit({ours.number: anchors[ours.number].offset for ours in moved})
        for ours in moved:
            ours.committed = anchors[ours.number].offset


def remember(ours: Partition, events: Sequence[Event], output: Output) -> None:
    """Everything that was decided is written down: late spans follow it, and the spans may leave memory."""
    if output.told:
        ours.memory.add([closing.trace.key for closing in output.told], pa.concat_tables(output.decided))
    ours.assembler.settle(events)
    ours.memory.forget(ours.assembler.now_ms)


def pause_s(pace: Streams, closed: int, took_s: float) -> float:
    """How long to wait after a flush of so much that took so long, so that flushes begin at a steady pace."""
    wanted_ms = pace.flush_load_ms if closed > MANY_TRACES else pace.flush_idle_ms
    return max(0.0, wanted_ms / 1000 - took_s)
