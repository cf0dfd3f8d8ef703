"""How much does a weighted sum over kept traces vary, and which traces count?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers: TypeAlias = NDArray[np.float64]

Z: Final = 1.96
"""What 95 % of a normal distribution lie within, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was most likely there, and between what it lies with 95 %; an infinite end says that nothing bounds it."""

    value: float
    low: float
    high: float


class Spread(NamedTuple):
    """Of a sum Σ w·y: its variance; by how much that grows with what was there, by the average and by the heaviest of
    the kept; how many deviations make 95 %."""

    variance: float
    slope: float
    steepest: float
    deviations: float

    @classmethod
    def of(cls, weights: Numbers, values: Numbers, likely: Numbers | float = 1.0) -> Self:
        """Of one value a trace; or of several that it may have, each of them as `likely` as it is."""
        steps = (weights - 1) * values
        squares = likely * weights * steps * values
        variance = float(squares.sum())
        if variance <= 0:
            return cls(0.0, 0.0, 0.0, Z)
        slope, freedom = float(squares @ steps) / variance, 2 * variance**2 / float(squares @ (steps * steps))
        return cls(variance, slope, max(float(steps.max()), 0.0), student(freedom))


def student(freedom: float) -> float:
    """Within how many standard deviations 95 % lie when those are known from few: Student's t, by its series.

    From 5 degrees of freedom on it is right to one in a hundred; there are never less than 2.
    """
    return Z + 2.37 / freedom + 2.82 / freedom**2


def counted(weights: ArrayLike, *columns: ArrayLike) -> tuple[Numbers, ...]:
    """The rows that count: not those of weight 0 (shown, never counted) nor where anything is NaN or None.

    Raises:
        ValueError: a weight that no sampler gives.
    """
    arrays = [np.asarray(column, dtype=np.float64) for column in (weights, *columns)]
    if ((arrays[0] < 1) & (arrays[0] != 0)).any():
        raise ValueError("an adjusted count is 0 or at least 1: is this column a probability?")
    rows = (arrays[0] > 0) & ~np.isnan(arrays).any(axis=0)
    return tuple(array[rows] for array in arrays)


def by_trace(traces: Any, weights: ArrayLike, *columns: ArrayLike) -> tuple[Numbers, ...]:
    """From rows of spans to rows of traces: the weight of each, and sums of columns.

    Spans of a trace have one weight; where they haven't (stragglers that were decided by themselves), each weight is a
    trace of its own, which it was when the dice fell.
    """
    row = np.asarray(weights, dtype=np.float64)
    _, labels = np.unique(np.asarray(traces), return_inverse=True)
    different, weight = np.unique(row, return_inverse=True)
    _, first, trace = np.unique(labels * len(different) + weight, return_index=True, return_inverse=True)
    sums = [np.bincount(trace, np.asarray(column, dtype=np.float64), len(first)) for column in columns]
    return row[first], *(one.astype(np.float64) for one in sums)
