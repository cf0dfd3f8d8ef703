"""What limits and p95 look back on: only what is over, and the same however it was told."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.decisions import row
from tracemill.assembly import blocks
from tracemill.sampling.history import LEAST_TRACES, MAX_ROUTES, History, slot_of
from tracemill.sampling.limits import Rate

MINUTE, SLOT = 60_000, 10_000
HORIZON = 15 * MINUTE


def rows(*some: dict) -> pa.Table:
    return pa.Table.from_pylist([{"records": [0], "times": [0]} | one for one in some], schema=blocks.SCHEMA)


def decided(at: int, policy: str = "errors", **columns: object) -> dict:
    return row(at=at, policy=policy, records=[1], times=[1], first_through=1, **columns)


def test_a_minute_is_counted_in_all_partitions() -> None:
    history = History(HORIZON, share=0.25)
    history.note(rows(*(decided(at, span_bytes=50, span_ids=[1, 2]) for at in range(0, MINUTE, SLOT))))
    assert history.rates(6) == {"errors": Rate(4 * 6, 4 * 12, 4 * 300)}


def test_a_rise_is_followed_within_a_slot() -> None:
    history = History(HORIZON)
    history.note(rows(*(decided(5 * SLOT) for _ in range(10))))
    assert history.rates(6)["errors"].traces == 60
    assert history.rates(7)["errors"].traces == 10
    assert "errors" not in history.rates(12)


def test_what_is_decided_now_does_not_show_yet() -> None:
    history = History(HORIZON)
    history.note(rows(decided(3 * SLOT), decided(3 * SLOT + 9_999)))
    assert history.rates(slot_of(3 * SLOT)) == {}


def test_only_first_decisions_count() -> None:
    history = History(HORIZON)
    late = {"at": 0, "first_through": 1}
    history.note(rows(row(records=[1, 2], times=[2], **late), row(records=[3], times=[3], **late)))
    assert history.rates(1) == {}


def durations(count: int, minute: int = 0, route: str = "/chat", first: int = 1) -> list[dict]:
    return [
        decided(minute * MINUTE, route=route, duration_ms=float(first + number), rooted=True) for number in range(count)
    ]


def test_a_routes_p95_is_that_of_the_minutes_before() -> None:
    history = History(HORIZON)
    history.note(rows(*durations(100)))
    assert history.p95_ms("default", "/chat", MINUTE - 1) is None
    assert history.p95_ms("default", "/chat", MINUTE) == pytest.approx(95, rel=0.02)
    assert history.p95_ms("default", "/other", MINUTE) is None
    assert history.p95_ms("other", "/chat", MINUTE) is None


def test_a_few_traces_make_no_p95() -> None:
    history = History(HORIZON)
    history.note(rows(*durations(LEAST_TRACES - 1)))
    assert history.p95_ms("default", "/chat", MINUTE) is None


def test_what_is_long_ago_is_forgotten() -> None:
    history = History(HORIZON)
    history.note(rows(*durations(50)))
    assert history.p95_ms("default", "/chat", 15 * MINUTE) is not None
    assert history.p95_ms("default", "/chat", 16 * MINUTE) is None


def test_a_flood_of_routes_leaves_those_with_most_traces() -> None:
    history = History(HORIZON)
    flood = [one for number in range(MAX_ROUTES * 2) for one in durations(1, route=f"/{number}")]
    history.note(rows(*flood, *durations(30)))
    assert history.p95_ms("default", "/chat", MINUTE) == pytest.approx(29, rel=0.05)


@given(st.integers(0, 2**32), st.lists(st.integers(1, 60), max_size=8))
@settings(max_examples=30, deadline=None)
def test_however_it_is_told_it_is_the_same(seed: int, cuts: list[int]) -> None:
    """A worker hears of decisions flush by flush, its successor all at once."""
    dice = random.Random(seed)
    times = sorted(dice.randrange(4 * MINUTE) for _ in range(300))
    some = [
        decided(at, dice.choice(["a", "b"]), route=dice.choice(["/x", "/y"]), duration_ms=dice.lognormvariate(5, 1))
        for at in times
    ]
    live, restored = History(HORIZON), History(HORIZON)
    for part in np.split(np.arange(len(some)), np.cumsum(cuts)):
        live.note(rows(*(some[place] for place in part)))
    restored.note(rows(*some))
    for slot in range(slot_of(4 * MINUTE)):
        if slot >= slot_of(4 * MINUTE) - 6:
            assert live.rates(slot) == restored.rates(slot)
    for route in ("/x", "/y"):
        assert live.p95_ms("default", route, 4 * MINUTE) == restored.p95_ms("default", route, 4 * MINUTE)
