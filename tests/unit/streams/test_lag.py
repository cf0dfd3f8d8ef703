"""The lag is the age of what isn't read, and never of what is; computed when it is asked for."""

from __future__ import annotations

import asyncio

import pytest

from runtime.lag import FRESH_MS
from streams.lag import End, Lag
from streams.partitions import Partition
from tests.builders.assigned import NOW_MS, assigned, partition

HOUR_MS = 3_600_000


class Broker:
    """What Kafka said last of the ends of partitions."""

    def __init__(self, **ends: End) -> None:
        self.ends = {int(name.removeprefix("p")): end for name, end in ends.items()}

    def end_of(self, number: int) -> End | None:
        return self.ends.get(number)


def lag_of(ours: Partition, end: End | None, now_ms: float) -> tuple[float, int] | None:
    async def ask() -> tuple[float, int] | None:
        broker = Broker(p0=end) if end else Broker()
        return Lag(await assigned(ours), broker.end_of).of(ours, now_ms)

    return asyncio.run(ask())


def read_through(at_ms: float, next_offset: int = 5) -> Partition:
    """A partition of which everything that was appended before `at_ms` is read."""
    ours = partition(next_offset=next_offset)
    ours.read_through_ms = at_ms
    return ours


@pytest.mark.parametrize(
    ("next_offset", "end", "now_ms", "lag"),
    [
        (5, End(5, NOW_MS), NOW_MS + 100, (0.0, 0)),
        (5, End(5, NOW_MS + HOUR_MS), NOW_MS + HOUR_MS + 100, (0.0, 0)),
        (5, End(8, NOW_MS + 2_000), NOW_MS + 2_500, (2.5, 3)),
        (5, End(8, NOW_MS + 2_000), NOW_MS + 60_000, (60.0, 3)),
        (5, End(5, NOW_MS), NOW_MS + FRESH_MS + 1_000, (6.0, 0)),
        (9, End(8, NOW_MS), NOW_MS + 100, (0.0, 0)),
        (5, End(8, NOW_MS), NOW_MS - 300, (0.0, 3)),
        (5, None, NOW_MS, None),
    ],
    ids=[
        "everything is read",
        "nothing has come for an hour",
        "three records wait",
        "and wait on while the worker hangs",
        "Kafka has said nothing for a while",
        "what is read is newer than what Kafka said",
        "the broker's clock is ahead of ours",
        "nothing is known yet",
    ],
)
def test_how_long_the_oldest_unread_record_waits(
    next_offset: int, end: End | None, now_ms: float, lag: tuple[float, int] | None
) -> None:
    assert lag_of(read_through(NOW_MS, next_offset), end, now_ms) == lag


def test_the_first_record_after_a_quiet_hour_did_not_wait_for_an_hour() -> None:
    async def check() -> None:
        ours, later = read_through(NOW_MS), NOW_MS + HOUR_MS
        broker = Broker(p0=End(5, later))
        lag = Lag(await assigned(ours), broker.end_of)
        lag.look()
        broker.ends[0] = End(6, later + 200)
        lag.look()
        assert lag.of(ours, later + 400) == (0.4, 1)

    asyncio.run(check())


def test_a_record_in_hand_says_how_old_it_is_whatever_was_thought_before() -> None:
    """A broker that couldn't be reached for an hour: everything seemed to be read."""
    ours = read_through(NOW_MS + HOUR_MS)
    ours.read_through_ms = NOW_MS
    assert lag_of(ours, End(8, NOW_MS + HOUR_MS), NOW_MS + HOUR_MS) == (3_600.0, 3)


def test_the_end_is_where_nothing_is_known_to_follow() -> None:
    async def check() -> None:
        lag = Lag(await assigned(partition()), Broker(p0=End(5, NOW_MS)).end_of)
        assert [lag.is_at_end(0, offset) for offset in (4, 5, 6)] == [False, True, True]
        assert not lag.is_at_end(1, 5)

    asyncio.run(check())
