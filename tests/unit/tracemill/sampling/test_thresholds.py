"""Thresholds against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemill.sampling.thresholds import (
    LEAST_PROBABILITY,
    NEVER,
    adjusted_counts,
    decode_randomness,
    decode_threshold,
    encode_threshold,
    threshold,
    thresholds,
)

PROBABILITY = st.floats(LEAST_PROBABILITY, 1.0) | st.decimals("0.0001", "1", places=4).map(float)
RANDOMNESS = st.integers(0, NEVER - 1)


@settings(deadline=None)
@given(PROBABILITY)
def test_a_threshold_is_the_nearest_whole_number(probability: float) -> None:
    exact = (1 - Fraction(repr(probability))) * NEVER
    assert abs(threshold(probability) - exact) <= Fraction(1, 2)


@settings(deadline=None)
@given(PROBABILITY, PROBABILITY)
def test_a_higher_probability_never_has_a_higher_threshold(one: float, other: float) -> None:
    low, high = sorted([one, other])
    assert threshold(low) >= threshold(high)


@settings(deadline=None)
@given(PROBABILITY, RANDOMNESS)
def test_reaching_the_threshold_is_falling_into_the_probabilitys_share(probability: float, randomness: int) -> None:
    """R >= T says the same as a comparison of exact fractions, but for the one value that T's rounding decides."""
    share = Fraction(NEVER - randomness, NEVER)
    exact = Fraction(repr(probability))
    if abs(share - exact) >= Fraction(1, NEVER):
        assert (randomness >= threshold(probability)) == (share <= exact)


@settings(deadline=None)
@given(st.integers(0, NEVER - 1))
def test_th_round_trip(rejected: int) -> None:
    text = encode_threshold(rejected)
    assert 1 <= len(text) <= 14
    assert text == "0" or not text.endswith("0")
    assert decode_threshold(text) == rejected


@pytest.mark.parametrize(
    ("probability", "text"),
    [(1.0, "0"), (0.5, "8"), (0.25, "c"), (0.125, "e"), (0.1, "e6666666666666"), (0.01, "fd70a3d70a3d71")],
)
def test_known_thresholds(probability: float, text: str) -> None:
    assert encode_threshold(threshold(probability)) == text


def test_zero_is_never_reached() -> None:
    assert threshold(0.0) == NEVER
    assert threshold(LEAST_PROBABILITY) == NEVER - 1


@pytest.mark.parametrize("text", ["", "g", "E6", "+1", " 1", "0x1", "1_0", "123456789012345", "é", "٣"])
def test_malformed_th(text: str) -> None:
    assert decode_threshold(text) is None


@pytest.mark.parametrize("text", ["", "1", "E6666666666666", "e666666666666", "e66666666666666", "e666666666666g"])
def test_malformed_rv(text: str) -> None:
    assert decode_randomness(text) is None


@settings(deadline=None)
@given(st.lists(PROBABILITY, min_size=1, max_size=20))
def test_counts_are_one_in_probability(probabilities: list[float]) -> None:
    rejected = thresholds(np.array(probabilities))
    assert rejected.tolist() == [threshold(one) for one in probabilities]
    for count, value in zip(adjusted_counts(rejected).tolist(), rejected.tolist(), strict=True):
        assert count == pytest.approx(float(Fraction(NEVER, NEVER - value)), rel=1e-15)


@pytest.mark.parametrize("one_in", [1, 2, 3, 10, 100, 1000])
def test_the_count_of_one_in_n_is_n(one_in: int) -> None:
    assert adjusted_counts(thresholds(np.array([1 / one_in]))).tolist() == pytest.approx([one_in], rel=1e-12)


def test_ten_per_cent_stand_for_ten() -> None:
    assert adjusted_counts(thresholds(np.array([0.1, 0.2, 0.5]))).tolist() == [10.0, 5.0, 2.0]
