"""What do numbers amount to that instrumentations give in parts, in another unit, or by another convention?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tracemill.dialects import tables

Mask = npt.NDArray[np.bool_]
Number = tuple[Any, Mask]
"""A numpy column and a mask of where it is known."""

_CACHED: Final = ("cache_read_tokens", "cache_write_tokens")
_SECONDS: Final = "ttft_ms.seconds"


def settled(numbers: Mapping[str, Number]) -> dict[str, Number]:
    """The numbers of the span frame, from those of `tables`; of what no span has, parts may be missing."""
    result = dict(numbers)
    for whole, parts in tables.PARTS.items():
        for sum_ in _sum([result.pop(part) for part in parts if part in result]):
            result[whole] = _either(result[whole], sum_)
    if _SECONDS in result:
        seconds, known = result.pop(_SECONDS)
        result["ttft_ms"] = _either((seconds * 1_000, known), result["ttft_ms"])
    result["input_tokens"] = _with_cached(result["input_tokens"], [result[name] for name in _CACHED])
    return result


def _sum(parts: list[Number]) -> list[Number]:
    """The sum of the parts that are known, where any is; nothing of nothing."""
    if not parts:
        return []
    return [(sum(values for values, _ in parts), np.any([known for _, known in parts], axis=0))]


def _either(first: Number, second: Number) -> Number:
    return np.where(first[1], first[0], second[0]), first[1] | second[1]


def _with_cached(sent: Number, cached: list[Number]) -> Number:
    """Input tokens with those that the provider had cached.

    The convention counts them in. Anthropic's API doesn't, and who passes its numbers on as they are is found out
    where more tokens were cached than sent.
    """
    tokens, known = sent
    more = sum(values for values, _ in cached)
    apart = known & (more > tokens)
    return (np.where(apart, tokens + more, tokens), known) if apart.any() else sent
