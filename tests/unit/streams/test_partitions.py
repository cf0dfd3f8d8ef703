"""Partitions come, are taken over, and go, in any order, and a reader waits for none that has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from streams.partitions import Partition, Partitions
from tests.builders.assigned import partition


class Past:
    """Takes a partition over when it is told to."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.may_end = asyncio.Event()

    async def take_over(self, number: int) -> Partition:
        self.began.append(number)
        await self.may_end.wait()
        return partition(number)


def with_past(check: Callable[[Past, Partitions], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        past = Past()
        await check(past, Partitions(past.take_over))

    asyncio.run(run())


def test_a_reader_waits_until_its_partition_is_taken_over() -> None:
    async def check(past: Past, partitions: Partitions) -> None:
        assert partitions.why_not_ready() == "hasn't joined its consumer group yet"
        partitions.assign({2, 1})
        reader = asyncio.create_task(partitions.get(1))
        await asyncio.sleep(0)
        assert (list(partitions), partitions.why_not_ready()) == ([], "takes over the partitions [1, 2]")
        past.may_end.set()
        ours = await reader
        assert ours is not None
        assert ours in partitions
        assert ours is await partitions.get(1)
        assert await partitions.get(2)
        assert ([one.number for one in partitions], partitions.why_not_ready()) == ([1, 2], None)
        assert await partitions.get(3) is None

    with_past(check)


def test_a_partition_that_goes_while_it_is_taken_over_keeps_no_reader_waiting() -> None:
    async def check(past: Past, partitions: Partitions) -> None:
        partitions.assign({1, 2})
        readers = [asyncio.create_task(partitions.get(number)) for number in (1, 2)]
        await asyncio.sleep(0)
        partitions.assign({2})
        assert await readers[0] is None
        assert not readers[1].done()
        past.may_end.set()
        assert await readers[1] in list(partitions)
        assert partitions.why_not_ready() is None

    with_past(check)


def test_a_partition_that_comes_back_is_another_one() -> None:
    async def check(past: Past, partitions: Partitions) -> None:
        past.may_end.set()
        partitions.assign({1})
        before = await partitions.get(1)
        assert before
        partitions.assign({1})
        assert await partitions.get(1) is before
        partitions.assign(set())
        assert await partitions.get(1) is None
        partitions.assign({1})
        after = await partitions.get(1)
        assert after
        assert past.began == [1, 1]
        assert before not in partitions
        assert after in partitions

    with_past(check)


def test_a_partition_that_cannot_be_taken_over_is_known_even_if_nobody_reads_it() -> None:
    async def take_over(number: int) -> Partition:
        raise TimeoutError("the broker doesn't answer")

    async def check() -> None:
        partitions = Partitions(take_over)
        partitions.assign({1})
        partitions.check()
        with pytest.raises(TimeoutError, match="doesn't answer"):
            await partitions.get(1)
        with pytest.raises(TimeoutError, match="doesn't answer"):
            partitions.check()
        assert partitions.why_not_ready() == "takes over the partitions [1]"

    asyncio.run(check())
