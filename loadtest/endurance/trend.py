"""Does a series grow, how fast, and how much does it waver?"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

HOUR_S: Final = 3_600.0
_OF_A_NORMAL: Final = 1.4826
"""The standard deviation of a normal distribution is so many times its median absolute deviation."""


class Trend(NamedTuple):
    """A line through a series: its height in the middle, its rise an hour, and how far values lie off it."""

    level: float
    per_hour: float
    noise: float
    """A standard deviation, of most values: the few far off don't count."""


def trend(at_s: Floats, values: Floats) -> Trend:
    """The line of Theil and Sen, which a third of the values can't mislead: its rise is the median of those between
    all pairs. Memory is that of all pairs, so for some thousands of values.

    Raises:
        ValueError: there are less than two times.
    """
    one, other = np.triu_indices(len(at_s), 1)
    apart = at_s[other] - at_s[one]
    if not apart.any():
        raise ValueError("a trend needs values of two times at least")
    rise = float(np.median((values[other] - values[one])[apart != 0] / apart[apart != 0]))
    middle_s = float(np.median(at_s))
    heights = values - rise * (at_s - middle_s)
    level = float(np.median(heights))
    return Trend(level, rise * HOUR_S, float(np.median(np.abs(heights - level))) * _OF_A_NORMAL)
