"""Ids are the same whenever they are asked for, and never the same for two numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loadtest.identity import parent_numbers, span_ids, trace_ids

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def _split_mix(state: int) -> int:
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & MASK
    return state ^ (state >> 31)


def _drawn(seed: int, stream: int, counter: int) -> bytes:
    key = _split_mix((seed * 4 + stream) * GOLDEN & MASK)
    return (_split_mix((key + (counter + 1) * GOLDEN) & MASK)).to_bytes(8, "little")


@given(st.integers(0, 2**61), st.lists(st.integers(0, 2**43), min_size=1, max_size=20), st.integers(0, 2**20 - 1))
def test_ids_are_splitmix64_of_seed_and_numbers(seed: int, traces: list[int], number: int) -> None:
    numbers = np.array(traces, dtype=np.int64)
    of_traces = [row.tobytes() for row in trace_ids(seed, numbers)]
    of_spans = [row.tobytes() for row in span_ids(seed, numbers, np.full(len(traces), number))]
    assert of_traces == [_drawn(seed, 1, 2 * trace) + _drawn(seed, 1, 2 * trace + 1) for trace in traces]
    assert of_spans == [_drawn(seed, 2, trace * 2**20 + number) for trace in traces]


def test_a_million_ids_are_distinct_and_their_low_bits_even() -> None:
    ids = trace_ids(3, np.arange(1_000_000))
    low = ids[:, 8:].copy().view(">u8")[:, 0] & np.uint64(2**56 - 1)
    assert len(np.unique(ids.copy().view("V16"))) == 1_000_000
    assert abs(float((low >= np.uint64(int(0.9 * 2**56))).mean()) - 0.1) < 0.002


@given(st.integers(1, 40))
def test_parents_form_one_tree_under_the_root_and_end_after_their_children(spans: int) -> None:
    parents = parent_numbers(np.arange(spans), spans).tolist()
    assert parents[-1] == -1
    assert all(child < parent < spans for child, parent in enumerate(parents[:-1]))
