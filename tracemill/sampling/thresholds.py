"""What is a sampling probability in OpenTelemetry's terms: a rejection threshold, its text, and its adjusted count?

A trace has 56 bits of randomness R; a sampler of probability p has the threshold T = (1 - p) * 2**56 and keeps the
trace if R >= T. T is rounded to a whole number and nothing else (OpenTelemetry lets a sampler round to 4 hex digits,
which makes 10 % a count of 9.9994), so that a count is what the operator wrote, down to p = 0.001 to 12 digits.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

BITS: Final = 56
NEVER: Final = 1 << BITS
"""The threshold that no randomness reaches: probability 0."""

LEAST_PROBABILITY: Final = 2.0**-BITS

Words: TypeAlias = NDArray[np.uint64]
Numbers: TypeAlias = NDArray[np.float64]

_TEXT: Final = re.compile(r"[0-9a-f]{1,14}", re.ASCII)


def threshold(probability: float) -> int:
    """The threshold of a probability from 0 to 1, taken as the shortest decimal that is this double."""
    return NEVER - round(Fraction(repr(float(probability))) * NEVER)


def thresholds(probabilities: Numbers) -> Words:
    """`threshold` of each; few different ones are expected."""
    different, places = np.unique(probabilities, return_inverse=True)
    return np.array([threshold(one) for one in different.tolist()], dtype=np.uint64)[places]


def adjusted_counts(rejected: Words) -> Numbers:
    """How many traces one stands for that was kept at each threshold below `NEVER`: 2**56 / (2**56 - T)."""
    return NEVER / (np.uint64(NEVER) - rejected).astype(np.float64)


def encode_threshold(rejected: int) -> str:
    """The value of `th`: 14 hex digits without trailing zeros, `0` for the threshold 0."""
    return f"{rejected:014x}".rstrip("0") or "0"


def decode_threshold(text: str) -> int | None:
    """The threshold that a value of `th` stands for; None if it is malformed."""
    return int(text.ljust(14, "0"), 16) if _TEXT.fullmatch(text) else None


def decode_randomness(text: str) -> int | None:
    """The randomness that a value of `rv` stands for; None unless it is 14 lower-case hex digits."""
    return int(text, 16) if len(text) == 14 and _TEXT.fullmatch(text) else None
