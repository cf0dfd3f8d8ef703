"""How many were there, how much in all, which share, how much each?"""

from __future__ import annotations

from math import inf, log, nan, sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from tracemill.estimates.spread import Estimate, Numbers, Spread, counted

UNSEEN: Final = -log(0.025)
"""Of what isn't among the kept, at most so many would have been kept on average: else one would have been (97.5 %)."""


def total(weights: ArrayLike, values: ArrayLike, *, unseen: float | None = None) -> Estimate:
    """How much of something there was in all traces; with ones as values, how many traces.

    Args:
        weights: `adjusted_count` of each kept trace.
        values: how much of it is in each; 0, NaN and None for nothing.
        unseen: what one trace that wasn't kept could stand for at most, if that is known: the largest weight in force
            times the largest value. Without it, nothing bounds what was there of which nothing was kept.
    """
    weights, values = counted(weights, values)
    value = float(weights @ values)
    spread, uncertain = Spread.of(weights, values), float(weights @ np.where(weights > 1, values, 0.0))
    if uncertain > 0:  # where there was less of it, there was less of all that varies
        spread = spread._replace(slope=min(spread.slope, spread.variance / uncertain))
    below, above = _ends(spread, 1.0, 0.0, 0.0)
    if unseen is not None:
        above = max(above, UNSEEN * unseen)
    elif not len(weights):
        above = inf
    return Estimate(value, value + below, value + above)


def ratio(weights: ArrayLike, numerators: ArrayLike, denominators: ArrayLike) -> Estimate:
    """How much of one thing for each of another, as cost by call: both by trace; with ones below, the mean by trace.

    NaN where nothing of the second was kept.
    """
    weights, above, below = counted(weights, numerators, denominators)
    whole = float(weights @ below)
    if whole == 0:
        return Estimate(nan, -inf, inf)
    value = float(weights @ above) / whole
    rest, pairs = above - value * below, weights * (weights - 1) * below
    low, high = _ends(Spread.of(weights, rest), whole, float(pairs @ below), float(pairs @ rest))
    return Estimate(value, value + low, value + high)


def _ends(spread: Spread, whole: float, variance: float, together: float) -> tuple[float, float]:
    """How far something may lie below and above, of which a sum is left over `whole` times.

    Moved by x, the sum has moved by -x·whole. The ends are where that is `deviations` of the standard deviations which
    it would have there: `variance` and `together` say how `whole` varies, alone and with the sum (Fieller), and the
    sum's own variance grows with what was there (a score interval): below by the average slope, above by the steepest,
    since what was missed can be like the heaviest that was seen.
    """
    chance = spread.deviations**2
    square = whole**2 - chance * variance
    if square <= 0:
        return -inf, inf
    below, above = (chance * (slope * whole / 2 - together) for slope in (spread.slope, spread.steepest))
    room = square * chance * spread.variance
    return (below - sqrt(below**2 + room)) / square, (above + sqrt(above**2 + room)) / square


def share(weights: ArrayLike, hits: ArrayLike, of: ArrayLike | None = None) -> Estimate:
    """Which share of traces it was, or of what there is several of in a trace, as failed calls of calls.

    This is Wilson's interval for as many independent draws as would vary as much.

    Args:
        weights: `adjusted_count` of each kept trace.
        hits: how many there are in each.
        of: of how many; one in each trace unless given.
    """
    weights, hits, of = counted(weights, hits, np.ones(np.shape(weights)) if of is None else of)
    whole = float(weights @ of)
    if whole == 0:
        return Estimate(nan, 0.0, 1.0)
    value = float(weights @ hits) / whole
    if Spread.of(weights, of).variance == 0:
        return Estimate(value, value, value)
    draws, deviations = _draws(weights, hits, of, value)
    low, high = _wilson(value, draws, deviations)
    return Estimate(value, min(low, value), max(high, value))  # which at 0 and 1 rounding would undo


def _draws(weights: Numbers, hits: Numbers, of: Numbers, value: float) -> tuple[float, float]:
    """How many independent draws vary as much, and how many deviations make 95 %.

    Not more than there would be if hits were anywhere among what was kept: that those few which were seen are light
    doesn't say that all are. Where there are only hits, or none, all of a trace are taken to be alike.
    """
    seen, anywhere = Spread.of(weights, hits - value * of), Spread.of(weights, of)
    squared = float(weights @ of) ** 2
    deviations = max(seen.deviations, anywhere.deviations)
    if seen.variance == 0:
        return squared / anywhere.variance, deviations
    most = squared / float((weights * (weights - 1)) @ of)
    return min(most, value * (1 - value) * squared / seen.variance), deviations


def _wilson(value: float, draws: float, deviations: float) -> tuple[float, float]:
    step = deviations**2 / draws
    middle = value + step / 2
    half = sqrt(value * (1 - value) * step + step**2 / 4)
    return (middle - half) / (1 + step), (middle + half) / (1 + step)
