"""A steady rate is kept against the start of a load, and a stall isn't followed by a burst."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.pacing import CATCH_UP_S, Pacer, backoff_s


@given(st.floats(10, 1e6), st.lists(st.integers(1, 1000), min_size=1, max_size=50))
def test_a_sender_that_waits_as_told_never_drifts(rate: float, sizes: list[int]) -> None:
    pacer, now, sent = Pacer(rate, 100.0), 100.0, 0
    for size in sizes:
        now += max(pacer.wait_s(sent, now), 0.0)
        assert now == pytest.approx(100.0 + sent / rate)
        sent += size


def test_a_small_delay_is_made_up_and_a_long_one_given_up() -> None:
    pacer = Pacer(1000.0, 0.0)
    assert pacer.wait_s(1000, 1.5) == pytest.approx(-0.5)
    assert pacer.wait_s(2000, 1.5) == pytest.approx(0.5)
    assert pacer.wait_s(2000, 62.0) == pytest.approx(-60.0)
    assert pacer.wait_s(2000, 62.0) == pytest.approx(-CATCH_UP_S)
    assert pacer.wait_s(4000, 62.0) == pytest.approx(1.0)


def test_no_rate_never_waits() -> None:
    assert Pacer(0.0, 0.0).wait_s(10**9, 0.0) == 0.0


def test_backoff_is_what_was_asked_for_or_doubles_up_to_two_seconds() -> None:
    assert backoff_s(1, 7.5) == 7.5
    assert [backoff_s(attempt, None) for attempt in (1, 2, 3, 5, 6, 500)] == [0.1, 0.2, 0.4, 1.6, 2.0, 2.0]
