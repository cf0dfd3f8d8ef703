"""Quantiles: exact where all was kept, open where too little was, and the same whatever the order and the units."""

from __future__ import annotations

from math import inf, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemill.estimates import Estimate, quantile

VALUES = st.lists(st.integers(0, 12).map(float), min_size=1, max_size=40)
Q = st.sampled_from([0.1, 0.5, 0.95])


@given(VALUES, Q)
def test_what_is_all_kept_is_known(values: list[float], q: float) -> None:
    exact = float(np.quantile(values, q, method="inverted_cdf"))
    assert quantile(np.ones(len(values)), values, q) == Estimate(exact, exact, exact)


@given(VALUES, Q, st.integers(2, 5))
def test_a_weight_stands_for_as_many(values: list[float], q: float, weight: int) -> None:
    said = quantile([weight] * len(values), values, q)
    assert said.value == float(np.quantile(np.repeat(values, weight), q, method="inverted_cdf"))
    assert said.low <= said.value <= said.high


@given(VALUES, Q, st.data())
def test_order_units_and_what_does_not_count_say_nothing(values: list[float], q: float, data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.sampled_from([1.0, 4.0, 10.0]), min_size=len(values), max_size=len(values)))
    traces = data.draw(st.lists(st.integers(0, 9), min_size=len(values), max_size=len(values)))
    weights = [weights[trace % len(weights)] for trace in traces]
    rows = data.draw(st.permutations([*zip(weights, values, traces, strict=True), (0.0, 5.0, 1), (4.0, None, 2)]))
    told = quantile([w for w, _, _ in rows], [v and v * 2 for _, v, _ in rows], q, [f"t{t}" for _, _, t in rows])
    said = quantile(weights, values, q, traces)
    assert (told.value, told.low, told.high) == (said.value * 2, said.low * 2, said.high * 2)


@pytest.mark.parametrize(("kept", "q", "bounded"), [(20, 0.95, False), (200, 0.95, True), (200, 0.99, False)])
def test_far_out_there_must_be_many(kept: int, q: float, bounded: bool) -> None:
    assert (quantile([10.0] * kept, np.arange(kept), q).high < inf) == bounded


def test_of_nothing_nothing_is_said() -> None:
    said = quantile([], [], 0.5)
    assert isnan(said.value)
    assert (said.low, said.high) == (-inf, inf)


def test_spans_of_one_trace_say_less_than_those_of_many() -> None:
    values = np.tile(np.arange(100.0), 1)
    many = quantile(np.full(100, 10.0), values, 0.5, np.arange(100))
    few = quantile(np.full(100, 10.0), values, 0.5, np.arange(100) // 10)
    assert many.value == few.value
    assert few.high - few.low > 2 * (many.high - many.low)
    assert many == quantile(np.full(100, 10.0), values, 0.5)
