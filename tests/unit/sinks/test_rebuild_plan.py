"""Which records are read for a time, and does the log still have them?"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sinks.reach import Extent, Reach
from sinks.rebuild_plan import DAY_MS, Plan, unexpired_from_ms

NOW_MS = 1_795_000_000_000


def reach(*extents: Extent) -> Reach:
    return Reach("spans", dict(enumerate(extents)))


def plan(asked_ms: int | None, *reaches: Reach, unexpired_ms: int = 0) -> Plan:
    return Plan(reaches, [], asked_ms, 0, unexpired_ms)


WHOLE = Extent(0, 9, NOW_MS - 1)
NEVER_WRITTEN = Extent(0, 0, None)
EMPTIED = Extent(9, 9, None)


def since(ago_ms: int) -> Extent:
    return Extent(3, 9, NOW_MS - ago_ms)


def test_the_youngest_beginning_says_from_when_on_nothing_is_missing() -> None:
    assert reach(since(50), since(20), WHOLE, NEVER_WRITTEN).whole_from_ms == NOW_MS - 20
    assert plan(None, reach(since(50)), reach(since(70), since(60))).whole_from_ms == NOW_MS - 50


def test_a_partition_of_which_nothing_was_removed_goes_back_for_ever() -> None:
    assert reach(WHOLE, NEVER_WRITTEN).whole_from_ms == 0
    assert not plan(1, reach(WHOLE)).short


def test_a_partition_of_which_everything_was_removed_goes_back_to_nothing() -> None:
    assert reach(WHOLE, EMPTIED).whole_from_ms == math.inf
    assert reach(WHOLE, EMPTIED, NEVER_WRITTEN).emptied == [1]
    assert plan(NOW_MS, reach(EMPTIED)).short


def test_the_log_is_short_of_what_was_asked_for_and_never_of_all_there_is() -> None:
    log = reach(since(50))
    assert plan(NOW_MS - 51, log).short
    assert not plan(NOW_MS - 50, log).short
    assert not plan(None, log).short
    assert not plan(None, reach(EMPTIED)).short


def test_what_has_expired_is_not_missed() -> None:
    assert not plan(NOW_MS - 90, reach(since(50)), unexpired_ms=NOW_MS - 50).short
    assert plan(NOW_MS - 90, reach(since(50)), unexpired_ms=NOW_MS - 51).short


@given(st.integers(0, 20_000 * DAY_MS), st.integers(1, 4_000))
def test_days_that_have_expired_are_those_of_which_the_retention_is_over(now_ms: int, retention_days: int) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    today = (epoch + timedelta(milliseconds=now_ms)).date()
    first = (epoch + timedelta(milliseconds=unexpired_from_ms(now_ms, retention_days))).date()
    assert first == epoch.date() or first + timedelta(days=retention_days) == today + timedelta(days=1)
    assert unexpired_from_ms(now_ms, retention_days) % DAY_MS == 0
