"""How do the spans of a trace hang together? Duplicates, parents, depth and orphans, for many traces at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tracemill.decode.spans import Ids

Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NO_ROW: Final = -1


@dataclass(frozen=True, slots=True)
class Graph:
    """For each span: whether an earlier one has its id (`repeated`), its parent's row, its depth; a root's is 1.

    Spans of a cycle of parents have depth 0, an orphan's depth counts from itself.
    """

    repeated: Mask
    parent: Int
    orphan: Mask
    depth: Int


def connect(owner: Int, span_id: Ids, parent_id: Ids) -> Graph:
    """The graph of spans; `owner` is each span's trace, and only spans of one trace are connected.

    A trace and an id make one number without loss, so that no choice of ids makes spans of two traces look the same.
    """
    known, code = np.unique(span_id, return_inverse=True)
    own = owner * len(known) + code
    order = np.argsort(own, kind="stable")
    ranked = own[order]
    repeated = np.zeros(len(own), np.bool_)
    repeated[order[1:][ranked[1:] == ranked[:-1]]] = True
    last = max(len(own) - 1, 0)
    wanted = np.minimum(np.searchsorted(known, parent_id), max(len(known) - 1, 0))
    row = order[np.minimum(np.searchsorted(ranked, owner * len(known) + wanted), last)]
    has_parent = parent_id != 0
    found = has_parent & (span_id[row] == parent_id) & (owner[row] == owner)
    parent = np.where(found, row, NO_ROW)
    return Graph(repeated, parent, has_parent & ~found & ~repeated, _depth(parent))


def _depth(parent: Int) -> Int:
    """Length of the path up from each row, by doubling the step: as many rounds as the depth has binary digits."""
    count = len(parent)
    above = np.append(parent, count)
    above[above == NO_ROW] = count
    length = np.append(np.ones(count, np.int64), 0)
    for _ in range(count.bit_length() + 1):
        if (above == count).all():
            return length[:count]
        length += length[above]
        above = above[above]
    length[above != count] = 0
    return length[:count]
