"""A tick is appended where something is due, all was read, and nothing came: by a clock that is an argument."""

from __future__ import annotations

import asyncio

import pytest

from streams.partitions import Partition
from streams.ticks import SHORTEST_WAIT_MS, TICK_MARGIN_MS, TICK_PAUSE_S, Ticks, needs_tick
from tests.builders.assigned import LIMITS, NOW_MS, assigned, partition
from tests.builders.bundles import S, bundle

READ_AT = 50.0
DUE = READ_AT + (LIMITS.quiet_period_ms + TICK_MARGIN_MS) / 1000 + 1e-6


def waiting(number: int = 0, spans: tuple[S, ...] = (S(),)) -> Partition:
    """A partition in which spans came at `READ_AT`."""
    ours = partition(number, read_at=READ_AT)
    if spans:
        ours.assembler.feed_bundle(0, NOW_MS, *bundle(spans))
    return ours


def read_all(number: int, offset: int) -> bool:
    return True


@pytest.mark.parametrize(
    ("spans", "now_s", "needed"),
    [
        ((S(),), DUE, True),
        ((S(),), DUE - 0.001, False),
        ((S(),), READ_AT, False),
        ((S(),), READ_AT - 1, False),
        ((S(parent=1),), DUE, False),
        ((S(parent=1),), DUE + (LIMITS.max_idle_ms - LIMITS.quiet_period_ms) / 1000, True),
        ((), DUE + 3600, False),
    ],
    ids=[
        "quiet for long enough",
        "not quite",
        "something has just come",
        "the clock steps back",
        "a trace without its root waits longer",
        "and is idle at last",
        "nothing is open",
    ],
)
def test_when_a_tick_is_needed(spans: tuple[S, ...], now_s: float, needed: bool) -> None:
    assert needs_tick(waiting(spans=spans), now_s, read_all) == needed


def test_what_was_not_read_to_the_end_needs_none() -> None:
    asked: list[tuple[int, int]] = []

    def more_to_read(number: int, offset: int) -> bool:
        asked.append((number, offset))
        return False

    assert not needs_tick(waiting(3), DUE, more_to_read)
    assert asked == [(3, 1)]


def test_while_records_come_one_after_the_other_nobody_asks_the_broker() -> None:
    asked: list[int] = []
    needs_tick(waiting(), READ_AT + (SHORTEST_WAIT_MS - 1) / 1000, lambda number, offset: bool(asked.append(number)))
    assert asked == []


def test_ticks_are_at_most_so_many_a_second_in_each_partition() -> None:
    async def appended() -> list[int]:
        found: list[int] = []
        ticks = Ticks(await assigned(waiting(1), waiting(2, spans=()), waiting(4)), found.append)
        for step in (0.0, TICK_PAUSE_S / 2, TICK_PAUSE_S):
            ticks.beat(DUE + step, read_all)
        return found

    assert asyncio.run(appended()) == [1, 4, 1, 4]
