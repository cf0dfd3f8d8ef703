"""Partitions as a stream worker holds them, without a broker."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from runtime.dead_letters import Headers, Record
from streams.partitions import Partition, Partitions
from tracemill import topics
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.trace import Anchor
from tracemill.config import Assembly
from tracemill.sampling.history import History

NOW_MS = 1_760_000_000_000
LIMITS = Assembly(quiet_period_ms=100, max_idle_ms=200)


def partition(number: int = 0, next_offset: int = 0, skips: Set[int] = frozenset(), read_at: float = 0.0) -> Partition:
    """A partition that was just taken over, at the log time `NOW_MS`."""
    memory = Memory(LIMITS.memory_horizon_ms)
    assembler = Assembler(LIMITS, memory, Anchor(next_offset, NOW_MS, NOW_MS))
    history = History(LIMITS.memory_horizon_ms)
    return Partition(number, assembler, memory, history, skips, next_offset, read_at, read_through_ms=NOW_MS)


async def assigned(*ours: Partition) -> Partitions:
    """Partitions that are taken over."""
    known = {one.number: one for one in ours}

    async def take_over(number: int) -> Partition:
        return known[number]

    partitions = Partitions(take_over)
    partitions.assign(known.keys())
    for number in known:
        await partitions.get(number)
    return partitions


def record(offset: int, value: bytes = b"", at_ms: int = 0, number: int = 0, **headers: Any) -> Record:
    """A record of `otlp.v1`, `at_ms` after `NOW_MS`."""
    sent: Headers = list(headers.items())
    return Record(topics.OTLP.name(), number, offset, NOW_MS + at_ms, sent, value)


def tick(offset: int, at_ms: int = 0) -> Record:
    """A tick."""
    return record(offset, at_ms=at_ms, type=topics.TYPE_TICK.encode())
