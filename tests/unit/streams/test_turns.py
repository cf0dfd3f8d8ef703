"""Records are taken in their turn, without a gap but for what is gone from the log."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.turns import SEEK_PAUSE_S, Turns
from tests.builders.assigned import NOW_MS, partition


class Log:
    """A partition's log of which the oldest records may be gone, and a reader that can be told where to go on."""

    def __init__(self, oldest: int = 0) -> None:
        self.oldest = oldest
        self.sought: list[int] = []
        self.turns = Turns(lambda number: self.oldest, self.seek)

    async def seek(self, number: int, offset: int) -> None:
        self.sought.append(offset)


def asked(wanted: int, offset: int, oldest: int) -> tuple[bool, list[int]]:
    """Whether the record at `offset` is taken, and what is asked for, where `wanted` is next."""
    log = Log(oldest)
    taken = asyncio.run(log.turns.is_next(partition(next_offset=wanted), offset, 0.0))
    return taken, log.sought


@pytest.mark.parametrize(
    ("wanted", "offset", "oldest", "taken", "sought"),
    [
        (5, 5, 0, True, []),
        (5, 4, 0, False, []),
        (5, 7, 0, False, [5]),
        (5, 7, 5, False, [5]),
        (5, 7, 7, True, []),
        (5, 9, 7, False, [7]),
        (5, 7, 9, False, [9]),
        (0, 7, 7, True, []),
    ],
    ids=[
        "it is next",
        "it was taken before",
        "it is ahead",
        "it is ahead, and the next one is the oldest",
        "all before it are gone",
        "some before it are gone",
        "it is gone itself by now",
        "a first start on an old log",
    ],
)
def test_whose_turn_it_is(wanted: int, offset: int, oldest: int, taken: bool, sought: list[int]) -> None:
    assert asked(wanted, offset, oldest) == (taken, sought)


def test_a_record_is_asked_for_again_only_once_in_a_while() -> None:
    async def ahead() -> list[int]:
        log, ours = Log(), partition(next_offset=5)
        for now_s in (10.0, 10.1, 10.0 + SEEK_PAUSE_S, 10.1 + SEEK_PAUSE_S):
            assert not await log.turns.is_next(ours, 7, now_s)
        return log.sought

    assert asyncio.run(ahead()) == [5, 5]


def test_what_is_lost_is_said_once_where_something_was_read_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    asked(wanted=0, offset=7, oldest=7)
    asked(wanted=5, offset=9, oldest=7)
    assert caplog.messages == []
    asked(wanted=5, offset=7, oldest=7)
    assert caplog.messages == ["records are gone from the log partition=0 first=5 next=7"]


@settings(max_examples=30, deadline=None)
@given(st.data(), st.integers(0, 5), st.integers(6, 20))
def test_whatever_is_fetched_and_forgotten_the_rest_is_read_in_order(data: st.DataObject, first: int, end: int) -> None:
    async def read() -> list[tuple[int, int]]:
        log, ours, taken, now_s = Log(), partition(next_offset=first), [], 0.0
        while ours.assembler.next_offset < end:
            log.oldest = data.draw(st.integers(log.oldest, min(log.oldest + 2, end - 1)))
            stray = data.draw(st.none() | st.integers(0, end - 1))
            offset = stray if stray is not None else max(ours.assembler.next_offset, log.oldest)
            now_s += 10
            if await log.turns.is_next(ours, offset, now_s):
                taken.append((offset, log.oldest))
                ours.assembler.feed_tick(offset, NOW_MS)
        return taken

    expected = first
    for offset, oldest in asyncio.run(read()):
        assert offset == expected or offset == oldest > expected
        expected = offset + 1
    assert expected == end
