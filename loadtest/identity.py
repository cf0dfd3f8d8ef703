"""Which ids do trace and span number n of a load have? Pure functions, so a ledger needs no ids."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Ids = npt.NDArray[np.uint8]

MAX_SPANS: Final = 1 << 20
"""Spans of one trace, at most."""
PHANTOM: Final = MAX_SPANS - 1
"""The span number of a parent that is never sent."""

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_TRACE_STREAM: Final = 1
_SPAN_STREAM: Final = 2


def mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The output function of SplitMix64: a bijection, so different inputs give different ids."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _draw(seed: int, stream: int, counters: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    key = mix(np.array([(seed * 4 + stream) & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64) * _GOLDEN)
    drawn = mix(key + (counters + np.uint64(1)) * _GOLDEN)
    drawn[drawn == 0] = 1
    return drawn


def trace_ids(seed: int, traces: Numbers) -> Ids:
    """16 bytes a trace, shape (n, 16); never zero, different for different numbers."""
    counters = np.repeat(traces.astype(np.uint64) * np.uint64(2), 2)
    counters[1::2] += np.uint64(1)
    return _draw(seed, _TRACE_STREAM, counters).view(np.uint8).reshape(-1, 16)


def span_ids(seed: int, traces: Numbers, spans: Numbers) -> Ids:
    """8 bytes a span, shape (n, 8); never zero, different for different pairs of trace and span number."""
    counters = traces.astype(np.uint64) * np.uint64(MAX_SPANS) + spans.astype(np.uint64)
    return _draw(seed, _SPAN_STREAM, counters).view(np.uint8).reshape(-1, 8)


def parent_numbers(spans: Numbers, spans_per_trace: int) -> Numbers:
    """The parent of each span by number: the next one for every third, the root for the others, -1 for the root."""
    root = spans_per_trace - 1
    parents = np.where((spans % 3 == 0) & (spans + 1 < root), spans + 1, root)
    return np.where(spans == root, -1, parents)
