"""A plan follows from its seed, strikes everything in every way, and leaves time to heal."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from loadtest.chaos.plan import DISKS, ONE_OF, WARM_UP_S, Kind, draw
from tracemill.config import Streams

LONG_S = 900.0
SINKS_SESSION_MS = 10_000
seeds = st.integers(0, 2**32)


@given(seeds, st.floats(30, 900))
def test_the_same_seed_gives_the_same_plan(seed: int, seconds: float) -> None:
    assert draw(seed, seconds) == draw(seed, seconds)
    assert draw(seed, LONG_S) != draw(seed + 1, LONG_S)


@given(seeds)
def test_a_long_plan_strikes_everything_in_every_way(seed: int) -> None:
    plan = draw(seed, LONG_S)
    by_kind = {kind: {fault.target for fault in plan if fault.kind is kind} for kind in Kind}
    assert by_kind[Kind.KILL] == set(ONE_OF)
    assert by_kind[Kind.FREEZE] == set(ONE_OF)
    assert by_kind[Kind.FULL] == set(DISKS)
    assert all(by_kind[kind] for kind in Kind if kind is not Kind.CALM)


@given(seeds, st.floats(30, 900))
def test_a_plan_is_over_when_the_run_is(seed: int, seconds: float) -> None:
    plan = draw(seed, seconds)
    assert plan == sorted(plan)
    for fault in plan:
        assert WARM_UP_S <= fault.at_s <= seconds + 0.1
        assert fault.at_s + fault.lasts_s <= seconds + 0.2


@given(seeds)
def test_what_stands_still_does_so_for_longer_than_its_group_waits(seed: int) -> None:
    longest_s = max(Streams().session_timeout_ms, SINKS_SESSION_MS) / 1000
    frozen = [fault.lasts_s for fault in draw(seed, LONG_S) if fault.kind is Kind.FREEZE]
    assert min(frozen) > longest_s


@given(seeds)
def test_there_is_time_to_heal_between_most_rounds_and_some_overlap(seed: int) -> None:
    lasting = [each for each in draw(seed, LONG_S) if each.kind not in (Kind.KILL, Kind.JOIN)]
    gaps_s = [after.at_s - before.at_s - before.lasts_s for before, after in pairwise(lasting)]
    assert sum(gap_s >= 2.9 for gap_s in gaps_s) > len(gaps_s) / 3


def test_some_rounds_overlap() -> None:
    lasting = [each for each in draw(1, 3_000.0) if each.kind not in (Kind.KILL, Kind.JOIN)]
    assert any(after.at_s < before.at_s + before.lasts_s for before, after in pairwise(lasting))


def test_a_fault_says_what_it_is() -> None:
    fault = next(each for each in draw(1, LONG_S) if each.kind is Kind.FREEZE)
    assert str(fault) == f"{fault.at_s:6.1f} s  freeze {fault.target} for {fault.lasts_s:.1f} s"
