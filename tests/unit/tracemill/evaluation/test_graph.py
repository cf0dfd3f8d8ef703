"""Spans of one trace hang together as a reader says who goes span by span; those of another never get in between."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracemill.evaluation.graph import NO_ROW, Graph, connect

SPANS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(0, 6)), max_size=30).map(sorted)
"""Trace, id and parent of each; few of each, so that ids are repeated and shared by traces."""


def connected(spans: list[Any]) -> Graph:
    owner, own, parent = zip(*spans, strict=True) if spans else ((), (), ())
    return connect(np.array(owner, np.int64), np.array(own, np.uint64), np.array(parent, np.uint64))


@given(SPANS)
def test_parents_and_repeated_spans_are_those_of_ones_own_trace(spans: list[Any]) -> None:
    graph = connected(spans)
    rows: dict[tuple[int, int], int] = {}
    for row, (owner, own, _) in enumerate(spans):
        assert graph.repeated[row] == ((owner, own) in rows)
        rows.setdefault((owner, own), row)
    for row, (owner, _, parent) in enumerate(spans):
        expected = rows.get((owner, parent), NO_ROW) if parent else NO_ROW
        assert graph.parent[row] == expected
        assert graph.orphan[row] == (parent != 0 and expected == NO_ROW and not graph.repeated[row])


def test_no_choice_of_ids_makes_a_span_of_one_trace_look_like_one_of_another() -> None:
    """Ids that differ by what the numbers of two traces were once mixed in with: the second was taken for the first."""
    mixed = [(number + 1) * 0x9E3779B97F4A7C15 % 2**64 for number in range(3)]
    victim = 0x1234_5678_9ABC_DEF0
    graph = connected([(0, victim ^ mixed[0] ^ mixed[1], 0), (1, victim, 0), (2, 7, victim ^ mixed[1] ^ mixed[2])])
    assert not graph.repeated.any()
    assert graph.parent.tolist() == [NO_ROW] * 3
