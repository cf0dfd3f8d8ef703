"""What closed and isn't flushed yet is weighed, and too much of it holds the reader up until a flush takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.backlog import OUTPUT_BYTES, Backlog
from tests.builders.assigned import NOW_MS, partition
from tests.builders.bundles import S, bundle
from tracemill.assembly.trace import Carry, Closing, Event
from tracemill.config import Assembly


def closings(count: int) -> list[Event]:
    """So many closed traces, all of one size."""
    ours = partition()
    for number in range(1, count + 1):
        ours.assembler.feed_bundle(number, NOW_MS, *bundle([S(trace=number)]))
    ours.assembler.feed_tick(count + 1, NOW_MS + 100)
    return ours.collect()


SIZE = next(event.trace.size + OUTPUT_BYTES for event in closings(1) if isinstance(event, Closing))


async def done(waiting: Coroutine[Any, Any, None]) -> bool:
    """Whether a coroutine comes to its end by itself."""
    task = asyncio.create_task(waiting)
    for _ in range(10):
        await asyncio.sleep(0)
    ended = task.done()
    task.cancel()
    return ended


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4) | st.none(), max_size=12), st.integers(0, 6))
def test_there_is_room_until_more_than_the_limit_waits(steps: list[int | None], limit: int) -> None:
    async def check() -> None:
        backlog, waiting = Backlog(limit * SIZE), 0
        for step in steps:
            if step is None:
                backlog.empty()
                waiting = 0
            else:
                backlog.add(closings(step))
                waiting += step
            assert backlog.waiting_bytes == waiting * SIZE
            assert await done(backlog.room()) == (waiting <= limit)
            assert await done(backlog.some(60)) == (waiting > 0)

    asyncio.run(check())


def test_a_flush_lets_a_reader_go_on_that_waits() -> None:
    async def check() -> None:
        backlog = Backlog(SIZE)
        backlog.add(closings(2))
        reader = asyncio.create_task(backlog.room())
        assert not await done(backlog.room())
        backlog.empty()
        await reader

    asyncio.run(check())


def test_what_is_carried_is_flushed_and_weighs_nothing() -> None:
    ours = partition()
    ours.assembler.feed_bundle(0, NOW_MS, *bundle([S(parent=9)]))
    for offset in range(1, 400):
        ours.assembler.feed_bundle(offset, NOW_MS + offset * 99, *bundle([S(span=offset, parent=9)]))
    events = ours.collect()
    assert {type(event) for event in events} == {Carry}
    assert ours.assembler.now_ms - NOW_MS > Assembly().carry_after_ms

    async def check() -> None:
        backlog = Backlog(0)
        backlog.add(events)
        assert backlog.waiting_bytes == 0
        assert await done(backlog.room())
        assert await done(backlog.some(60))

    asyncio.run(check())


def test_where_nothing_closes_a_flush_comes_in_time() -> None:
    asyncio.run(Backlog().some(0.001))
