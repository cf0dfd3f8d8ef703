"""A worker's gauges say how its partitions are when they are asked, and nothing of those that are someone else's."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from streams.backlog import OUTPUT_BYTES, Backlog
from streams.gauges import Gauges
from streams.lag import End, Lag
from streams.partitions import Partition, Partitions
from tests.builders.assigned import LIMITS, NOW_MS, assigned, partition
from tests.builders.bundles import S, bundle


class Scraped:
    """The gauges of a worker, and a partition's values."""

    def __init__(self, partitions: Partitions, backlog: Backlog) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(Gauges(partitions, backlog, Lag(partitions, lambda _: End(7, 0.0))))

    def __call__(self, name: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(f"tracemill_streams_{name}", labels)


def with_traces(number: int) -> Partition:
    """One trace has closed, another is open and carried, a third has just begun; eight bytes are a lot."""
    ours = partition(number)
    ours.assembler.feed_bundle(0, NOW_MS, *bundle([S(trace=1), S(trace=2, parent=9)]))
    for step in range(1, LIMITS.carry_after_ms // LIMITS.max_idle_ms + 2):
        at_ms = NOW_MS + step * (LIMITS.max_idle_ms - 1)
        ours.assembler.feed_bundle(step, at_ms, *bundle([S(trace=2, span=step, parent=9)]))
    ours.assembler.feed_bundle(step + 1, at_ms, *bundle([S(trace=3)]))
    return ours


def test_a_partition_is_told_of_as_it_is() -> None:
    async def check() -> None:
        ours, backlog = with_traces(3), Backlog()
        scraped = Scraped(await assigned(ours), backlog)
        backlog.add(ours.collect())
        assert scraped("open_traces", partition="3") == 2
        assert scraped("carried_traces", partition="3") == 1
        assert scraped("held_bytes", partition="3") == ours.assembler.held_bytes > 0
        assert scraped("grace_bytes", partition="3") + OUTPUT_BYTES == scraped("backlog_bytes")
        assert scraped("lag_records", partition="3") == 0
        assert scraped("partitions", state="working") == 1
        assert scraped("partitions", state="taking_over") == 0
        backlog.empty()
        assert scraped("backlog_bytes") == 0

    asyncio.run(check())


def test_a_partition_that_has_gone_is_not_told_of() -> None:
    async def check() -> None:
        partitions = await assigned(partition(3), partition(4))
        scraped = Scraped(partitions, Backlog())
        assert scraped("lag_records", partition="3") == 7
        partitions.assign({4})
        assert scraped("lag_records", partition="3") is None
        assert scraped("lag_records", partition="4") == 7

    asyncio.run(check())


def test_partitions_that_are_being_taken_over_are_counted() -> None:
    async def never(number: int) -> Partition:
        await asyncio.Event().wait()
        return partition(number)

    async def check() -> None:
        partitions = Partitions(never)
        partitions.assign({1, 2})
        scraped = Scraped(partitions, Backlog())
        assert (scraped("partitions", state="working"), scraped("partitions", state="taking_over")) == (0, 2)
        partitions.assign(set())
        assert scraped("partitions", state="taking_over") == 0

    asyncio.run(check())
