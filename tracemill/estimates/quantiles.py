"""Below what do so many of all lie?"""

from __future__ import annotations

from math import inf, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tracemill.estimates.spread import Estimate, Numbers, Spread, by_trace, counted


def quantile(weights: ArrayLike, values: ArrayLike, q: float, traces: Any = None) -> Estimate:
    """The least value that a share `q` of all values doesn't exceed, as q = 0.95 for p95.

    The interval is Woodruff's: how far the share at that value can be off says which quantiles bound it. An end is
    infinite where too few were kept to bound it: p95 takes about 100 kept traces, p99 500.

    Args:
        weights: `adjusted_count` of each row.
        values: one a row; rows where it is NaN or None don't count.
        q: between 0 and 1.
        traces: which trace a row belongs to, where a trace can have several, as spans do.
    """
    owners = None if traces is None else np.unique(np.asarray(traces), return_inverse=True)[1]
    weights, values, *labels = counted(weights, values, *([] if owners is None else [owners]))
    if not len(values):
        return Estimate(nan, -inf, inf)
    order = np.argsort(values, kind="stable")
    weights, values = weights[order], values[order]
    reached = np.cumsum(weights)
    value = values[np.searchsorted(reached, q * reached[-1])]
    spread = _spread(weights, values, labels[0][order] if labels else None, value, q)
    if spread.variance == 0:
        return Estimate(float(value), float(value), float(value))
    return Estimate(float(value), *_ends(values, reached, q, spread))


def _spread(weights: Numbers, values: Numbers, owners: Numbers | None, value: float, q: float) -> Spread:
    """Of how many lie below `value` too many. Those at `value` are taken as lying below or above it, with the shares
    that make `q` of all lie below: else a quantile near the end would seem certain."""
    below, upto = values < value, values <= value
    part = (q * weights.sum() - weights[below].sum()) / weights[below != upto].sum()
    without, within = below - q, upto - q
    if owners is not None:
        weights, without, within = by_trace(owners, weights, without, within)
    likely = np.repeat([1 - part, part], len(weights))
    return Spread.of(np.tile(weights, 2), np.concatenate([without, within]), likely)


def _ends(values: Numbers, reached: Numbers, q: float, spread: Spread) -> tuple[float, float]:
    """Where the share may be reached: what was missed may have lain below, and been as heavy as the heaviest kept."""
    middle, square = spread.deviations**2 * spread.steepest / 2, spread.deviations**2 * spread.variance
    least = q * reached[-1] - middle - sqrt(middle**2 + square)
    low = values[np.searchsorted(reached, least)] if least > 0 else -inf
    last = np.searchsorted(reached, q * reached[-1] + sqrt(square), side="right")
    return float(low), float(values[last]) if last < len(values) else inf
