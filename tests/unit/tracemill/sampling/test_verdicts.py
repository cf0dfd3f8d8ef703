"""A verdict only moves towards kept or a higher probability, and stays countable while it does."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemill.sampling import Verdicts, merge
from tracemill.sampling.thresholds import NEVER, adjusted_counts, threshold

RANDOMNESS = st.integers(0, NEVER - 1)
PROBABILITY = st.sampled_from([0.0, 0.001, 0.1, 0.5, 0.9, 1.0])


def verdict(randomness: int, probability: float, policy: str) -> Verdicts:
    """What a rule of this probability decides of one trace."""
    rejected = threshold(probability)
    kept = randomness >= rejected
    count = adjusted_counts(np.array([rejected], np.uint64))[0] if kept else 0.0
    return Verdicts(np.array([kept]), pl.Series("policy", [policy]), np.array([probability]), np.array([count]))


def shown() -> Verdicts:
    """A dropped trace that someone asked to see."""
    return Verdicts(np.array([True]), pl.Series("policy", ["request"]), np.array([0.1]), np.array([0.0]))


def as_tuple(verdicts: Verdicts) -> tuple[object, ...]:
    return (
        bool(verdicts.kept[0]),
        verdicts.policy[0],
        float(verdicts.probability[0]),
        float(verdicts.adjusted_count[0]),
    )


@settings(deadline=None)
@given(RANDOMNESS, st.lists(PROBABILITY, min_size=1, max_size=5))
def test_any_sequence_ends_as_its_highest_probability_alone(randomness: int, probabilities: list[float]) -> None:
    verdicts = [verdict(randomness, one, f"p{one}") for one in probabilities]
    last = verdicts[0]
    for new in verdicts[1:]:
        merged, moved = merge(last, new)
        assert merged.kept[0] >= last.kept[0]
        assert merged.probability[0] >= last.probability[0]
        assert bool(moved[0]) == (as_tuple(merged) != as_tuple(last))
        last = merged
    highest = max(probabilities)
    assert as_tuple(last) == as_tuple(verdict(randomness, highest, f"p{highest}"))


def test_a_trace_that_is_shown_stays_shown_and_is_counted_once_a_rule_keeps_it() -> None:
    still, moved = merge(shown(), verdict(0, 0.5, "half"))
    assert as_tuple(still) == as_tuple(shown())
    assert not moved[0]
    counted, moved = merge(shown(), verdict(0, 1.0, "errors"))
    assert as_tuple(counted) == (True, "errors", 1.0, 1.0)
    assert moved[0]


def test_rows_are_merged_each_on_its_own() -> None:
    previous = Verdicts(
        np.array([True, False]),
        pl.Series("policy", ["default", "default"]),
        np.array([0.1, 0.1]),
        np.array([10.0, 0.0]),
    )
    new = Verdicts(
        np.array([False, True]), pl.Series("policy", ["noise", "errors"]), np.array([0.0, 1.0]), np.array([0.0, 1.0])
    )
    merged, moved = merge(previous, new)
    assert moved.tolist() == [False, True]
    assert merged.policy.to_list() == ["default", "errors"]
    assert merged.adjusted_count.tolist() == [10.0, 1.0]
    assert merged.decision.to_list() == ["keep", "keep"]
    assert merged.threshold.tolist() == [threshold(0.1), 0]
    assert len(merged) == 2
