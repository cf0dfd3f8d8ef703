"""A trend is that of the series, whatever a few values say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.endurance.trend import HOUR_S, trend


@given(
    rise=st.floats(-1e6, 1e6),
    base=st.floats(0, 1e9),
    gaps=st.lists(st.integers(1, 60), min_size=2, max_size=40),
)
def test_a_straight_line_is_found(rise: float, base: float, gaps: list[int]) -> None:
    at_s = np.cumsum(gaps).astype(float)
    found = trend(at_s, base + rise * at_s)
    assert found.per_hour == pytest.approx(rise * HOUR_S, rel=1e-6, abs=1.0)
    assert found.level == pytest.approx(base + rise * np.median(at_s), rel=1e-6, abs=1.0)
    assert found.noise == pytest.approx(0.0, abs=1.0)


@given(st.sets(st.integers(0, 99), max_size=20), st.floats(-1e12, 1e12))
def test_a_fifth_of_wild_values_changes_nothing(places: set[int], wild: float) -> None:
    at_s = np.arange(100.0)
    values = 1e6 + 10.0 * at_s
    values[list(places)] = wild
    found = trend(at_s, values)
    assert found.per_hour == pytest.approx(10.0 * HOUR_S)
    assert found.noise == pytest.approx(0.0, abs=1e-3)


def test_noise_is_a_standard_deviation_and_no_rise() -> None:
    at_s = np.arange(600.0) * 5
    values = 1e8 + np.random.default_rng(1).normal(0.0, 2e6, 600)
    found = trend(at_s, values)
    assert found.noise == pytest.approx(2e6, rel=0.1)
    assert abs(found.per_hour) < 1e6


def test_one_moment_is_no_trend() -> None:
    with pytest.raises(ValueError, match="two times"):
        trend(np.array([5.0, 5.0]), np.array([1.0, 2.0]))
