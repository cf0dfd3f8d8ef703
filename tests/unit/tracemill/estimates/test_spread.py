"""What varies, how many deviations are 95 %, and spans summed to their traces."""

from __future__ import annotations

import numpy as np
import pytest

from tracemill.estimates import by_trace
from tracemill.estimates.spread import Spread, student


@pytest.mark.parametrize(("freedom", "known"), [(5, 2.571), (10, 2.228), (30, 2.042), (100, 1.984), (1e9, 1.96)])
def test_deviations_are_students(freedom: float, known: float) -> None:
    assert student(freedom) == pytest.approx(known, rel=0.01)


def test_the_variance_is_what_draws_vary_by() -> None:
    dice = np.random.default_rng(3)
    probability, values = np.array([0.5, 0.1, 0.1, 1.0]).repeat(50), np.tile([1.0, -2.0, 0.5, 7.0], 50)
    kept = dice.random((4_000, 200)) < probability
    sums = (kept * values / probability).sum(axis=1)
    told = [Spread.of(1 / probability[row], values[row]).variance for row in kept]
    assert np.mean(told) == pytest.approx(sums.var(), rel=0.05)


def test_of_values_that_a_trace_may_have_each_counts_as_far_as_it_is_likely() -> None:
    weights, values = np.array([10.0, 2.0]), np.array([1.0, 3.0])
    twice = Spread.of(np.tile(weights, 2), np.tile(values, 2), np.array([0.25, 0.25, 0.75, 0.75]))
    assert twice == pytest.approx(Spread.of(weights, values))


def test_spans_are_summed_to_their_traces() -> None:
    weights, calls, cost = by_trace(["b", "a", "b", "b"], [10, 1, 10, 10], [1, 1, 1, 1], [0.5, 2, 0.25, 0.25])
    assert (weights.tolist(), calls.tolist(), cost.tolist()) == ([1, 10], [1, 3], [2, 1])


def test_stragglers_of_another_weight_are_a_draw_of_their_own() -> None:
    weights, calls = by_trace([b"a", b"a", b"a"], [1, 10, 10], [1, 1, 1])
    assert sorted(zip(weights.tolist(), calls.tolist(), strict=True)) == [(1, 1), (10, 2)]
