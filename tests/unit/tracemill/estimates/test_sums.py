"""Sums, ratios and shares: what is certain, what nothing bounds, and intervals that are known in closed form."""

from __future__ import annotations

from math import inf, isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemill.estimates import Estimate, ratio, share, total

VALUE = st.floats(-1e4, 1e4).map(lambda value: round(value, 3))
ROWS = st.lists(st.tuples(st.sampled_from([1.0, 2.0, 10.0, 100.0]), VALUE), min_size=1, max_size=30)
NOTHING = st.lists(st.sampled_from([(0.0, 5.0), (10.0, None), (2.0, float("nan"))]), max_size=3)


def columns(rows: list[tuple[float, float | None]]) -> tuple[list[float], list[float | None]]:
    return [weight for weight, _ in rows], [value for _, value in rows]


def near(first: Estimate, other: Estimate, scale: float = 1.0) -> bool:
    pairs = zip((first.value, first.low, first.high), (other.value, other.low, other.high), strict=True)
    return all(one * scale == pytest.approx(two, rel=1e-6, abs=1e-4 * scale) for one, two in pairs)


@given(ROWS)
def test_what_is_all_kept_is_known(rows: list[tuple[float, float]]) -> None:
    _, values = columns(rows)
    ones = np.ones(len(values))
    for said in (total(ones, values), ratio(ones, values, ones), share(ones, np.array(values) > 0)):
        assert said.low == said.value == said.high
    assert total(ones, values).value == pytest.approx(sum(values))


@given(ROWS, NOTHING, st.randoms(use_true_random=False))
def test_what_does_not_count_is_passed_over_and_order_says_nothing(rows: list, nothing: list, order: object) -> None:
    mixed = [*rows, *nothing]
    order.shuffle(mixed)  # type: ignore[attr-defined]
    assert near(total(*columns(mixed)), total(*columns(rows)))
    ones = [1.0] * len(mixed)
    assert near(ratio(*columns(mixed), ones), ratio(*columns(rows), ones[: len(rows)]))


@given(ROWS, st.sampled_from([0.001, 3.0, 1000.0]))
def test_units_say_nothing(rows: list[tuple[float, float]], scale: float) -> None:
    weights, values = columns(rows)
    assert near(total(weights, values), total(weights, np.array(values) * scale), scale)


@given(ROWS)
def test_the_value_lies_in_its_interval(rows: list[tuple[float, float]]) -> None:
    weights, values = columns(rows)
    hits = np.array(values) > 0
    for said in (total(weights, values), ratio(weights, values, np.abs(values) + 1), share(weights, hits)):
        assert said.low <= said.value <= said.high
    assert 0 <= share(weights, hits).low <= share(weights, hits).high <= 1


@pytest.mark.parametrize(("kept", "weight"), [(1, 100.0), (30, 2.0), (400, 10.0)])
def test_the_ends_of_a_count_are_as_far_off_as_they_would_vary_themselves(kept: int, weight: float) -> None:
    said = total([weight] * kept, [1] * kept)
    freedom = 2 * kept * weight / (weight - 1)
    deviations = 1.96 + 2.37 / freedom + 2.82 / freedom**2
    assert said.value == kept * weight
    for end in (said.low, said.high):
        assert abs(said.value - end) == pytest.approx(deviations * sqrt((weight - 1) * end))


def test_above_there_may_be_more_of_the_heaviest_that_was_kept() -> None:
    light, mixed = total([2] * 98, [1] * 98), total([2] * 48 + [100], [1] * 49)
    assert light.value == mixed.value
    assert mixed.high - mixed.value > 4 * (light.high - light.value)


def test_of_nothing_kept_nothing_is_said_unless_weights_are_known() -> None:
    assert total([], []) == total([0], [3]) == Estimate(0, 0, inf)
    assert total([], [], unseen=10).high == pytest.approx(36.9, abs=0.1)
    assert total([1, 1], [1, 1], unseen=10).high == pytest.approx(38.9, abs=0.1)
    assert isnan(ratio([10], [0], [0]).value)
    assert isnan(share([], []).value)
    assert (share([], []).low, share([], []).high) == (0, 1)
    assert (ratio([10], [5], [1]).low, ratio([10], [5], [1]).high) == (-inf, inf)


def test_what_was_not_seen_is_bounded() -> None:
    """Rare things of which most worlds keep none, or only such as a rule kept."""
    dice, beyond = np.random.default_rng(1), 0
    for there in np.tile([5, 30, 100, 200, 300, 370, 500], 300):
        weights = np.concatenate([np.ones(3), np.full(dice.binomial(there, 0.01), 100.0)])
        beyond += total(weights, np.ones(len(weights)), unseen=100).high < there + 3
    assert beyond / 2100 < 0.025


def test_a_share_of_many_draws_is_wilsons() -> None:
    weights = np.full(10_000, 1e6)
    said = share(weights, np.arange(10_000) < 1_000)
    assert (said.low, said.high) == (pytest.approx(0.09427, abs=2e-5), pytest.approx(0.10604, abs=2e-5))
    none = share(weights, np.zeros(10_000))
    assert (none.low, none.high) == (0, pytest.approx(3.84e-4, rel=0.001))


def test_hits_of_one_trace_are_no_draws_of_their_own() -> None:
    weights = np.full(100, 10.0)
    alike = share(weights, (np.arange(100) < 30) * 8, np.full(100, 8))
    single = share(weights, np.arange(100) < 30)
    assert near(alike, single)


def test_a_ratio_of_what_goes_together_is_certain() -> None:
    assert ratio([10, 2, 100] * 10, [2, 4, 6] * 10, [1, 2, 3] * 10) == Estimate(2, 2, 2)


def test_a_ratio_of_many_is_normal() -> None:
    dice = np.random.default_rng(2)
    calls = dice.poisson(2, 5_000) + 1.0
    cost = calls * dice.gamma(4, 0.25, 5_000)
    said = ratio(np.full(5_000, 10.0), cost, calls)
    deviation = sqrt(90 * ((cost - said.value * calls) ** 2).sum()) / (10 * calls.sum())
    assert said.high - said.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def test_probabilities_are_no_weights() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        total([0.1, 0.1], [1, 1])
