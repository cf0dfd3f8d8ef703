"""A verdict follows an earlier one: it moves towards kept, with a new span and all others at hand, or not at all."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tracemill.assembly.trace import Verdict
from tracemill.evaluation.verdicts import Arrived, Settled
from tracemill.sampling import Verdicts

DROPPED = Verdict(False, "default", 0.0, 0.0, "old")
KEPT = Verdict(True, "errors", 1.0, 1.0, "old")


def now(keep: bool, probability: float) -> Settled:
    one = np.ones(1)
    return Settled(
        np.array([keep]), ["new"], one * probability, one, np.array([True]), np.array([True]), np.array([False])
    )


@pytest.mark.parametrize(
    ("before", "keep", "probability", "fresh", "whole", "moved"),
    [
        (DROPPED, True, 1.0, True, True, True),
        (DROPPED, True, 1.0, False, True, False),
        (DROPPED, True, 1.0, True, False, False),
        (KEPT, False, 0.0, True, True, False),
    ],
    ids=["a new span", "only repeated spans", "not all spans are there", "towards dropped"],
)
def test_when_a_verdict_moves(
    before: Verdict, keep: bool, probability: float, fresh: bool, whole: bool, moved: bool
) -> None:
    settled = now(keep, probability)
    found = settled.follow(0, "rules", before, Arrived(fresh, whole))
    assert (found is not before) == moved
    assert bool(settled.rewritten[0]) == moved
    assert bool(settled.keep[0]) == (keep if moved else before.keep)


def test_a_late_span_that_tells_of_more_upstream_makes_a_trace_weigh_less() -> None:
    four = Verdict(True, "default", 1.0, 4.0, "old")
    settled = Settled.of(Verdicts(np.array([True]), pl.Series(["default"]), np.ones(1), np.array([2.0])))
    assert settled.follow(0, "rules", four, Arrived(True, True)).adjusted_count == 2.0
    assert (settled.adjusted_count.tolist(), settled.rewritten.tolist()) == ([2.0], [True])
