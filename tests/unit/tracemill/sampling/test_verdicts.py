"""A verdict only moves towards kept or a higher probability, and stays countable while it does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemill.sampling import Verdicts, chosen, moves
from tracemill.sampling.thresholds import NEVER, threshold

RANDOMNESS = st.integers(0, NEVER - 1)
PROBABILITY = st.sampled_from([0.0, 0.001, 0.1, 0.5, 0.9, 1.0])

One = tuple[bool, float]
"""Kept, and the probability."""


def verdict(randomness: int, probability: float) -> One:
    """What a rule of this probability decides of one trace."""
    return randomness >= threshold(probability), probability


@settings(deadline=None)
@given(RANDOMNESS, st.lists(PROBABILITY, min_size=1, max_size=5))
def test_any_sequence_ends_as_its_highest_probability_alone(randomness: int, probabilities: list[float]) -> None:
    stood = [verdict(randomness, probabilities[0])]
    for probability in probabilities[1:]:
        new = verdict(randomness, probability)
        stood.append(new if moves(*stood[-1], *new) else stood[-1])
    assert all(before[0] <= after[0] and before[1] <= after[1] for before, after in pairwise(stood))
    assert stood[-1] == verdict(randomness, max(probabilities))


def test_a_trace_that_is_shown_stays_shown_and_is_counted_once_a_rule_keeps_it() -> None:
    shown = (True, 0.1)
    assert not moves(*shown, *verdict(0, 0.5))
    assert moves(*shown, *verdict(0, 1.0))


@settings(deadline=None)
@given(st.lists(st.tuples(RANDOMNESS, PROBABILITY, PROBABILITY), min_size=1, max_size=6))
def test_columns_move_as_their_rows_do(drawn: list[tuple[int, float, float]]) -> None:
    before = [verdict(randomness, first) for randomness, first, _ in drawn]
    after = [verdict(randomness, then) for randomness, _, then in drawn]
    columns = [np.array(column) for pair in (before, after) for column in zip(*pair, strict=True)]
    assert moves(*columns).tolist() == [moves(*one, *other) for one, other in zip(before, after, strict=True)]


def test_rows_are_chosen_each_on_its_own() -> None:
    these = Verdicts(np.array([False, True]), pl.Series(["noise", "errors"]), np.array([0.0, 1.0]), np.array([0.0, 1]))
    others = Verdicts(np.array([True, False]), pl.Series(["half"] * 2), np.array([0.5, 0.5]), np.array([2.0, 0.0]))
    found = chosen(np.array([False, True]), these, others)
    assert len(found) == 2
    assert found.kept.tolist() == [True, True]
    assert found.policy.to_list() == ["half", "errors"]
    assert found.probability.tolist() == [0.5, 1.0]
    assert found.adjusted_count.tolist() == [2.0, 1.0]
