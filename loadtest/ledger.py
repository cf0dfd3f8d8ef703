"""Is every acknowledged span there, once, and every trace whole or not there at all? The ledger's arithmetic."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from loadtest.expected import Expected, Keys
from loadtest.identity import Numbers

Mask = npt.NDArray[np.bool_]

EXAMPLES: Final = 5
_NOTHING: Final = np.empty(0, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Decided:
    """Records about traces as they were found, any revision, in any order; `span_counts` below 0 where not told."""

    traces: Keys
    revisions: Numbers
    span_counts: Numbers
    kept: Mask


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows of spans as they were found: the key of the trace and of the span of each."""

    traces: Keys
    spans: Keys


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the ledger found. All of `faults` are zero when nothing was lost and nothing counted twice."""

    acknowledged_spans: int
    acknowledged_traces: int
    uncertain_spans: int
    kept_traces: int
    dropped_traces: int
    stored_spans: int
    foreign_rows: int
    faults: dict[str, int]
    examples: dict[str, list[str]]

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.faults.values())

    def as_json(self) -> dict[str, Any]:
        """For a report."""
        return {"clean": self.clean, **asdict(self)}


def judge(expected: Expected, decided: Decided | None, stored: Stored | None) -> Verdict:
    """Compare what was acknowledged with what was decided and stored.

    Without `decided` every trace counts as kept. Without `stored` only decisions and counts are compared.
    """
    known = expected.sure > 0
    kept, dropped = known, np.zeros(len(known), dtype=bool)
    faults: dict[str, Mask | int] = {}
    if decided is not None:
        found, last_kept, counts = _latest(expected, decided)
        kept, dropped = found & last_kept, found & ~last_kept
        faults |= _faults_of_decisions(expected, decided, found, counts)
    rows, foreign = _known_rows(expected, stored) if stored is not None else (Stored(_NOTHING, _NOTHING), 0)
    if stored is not None:
        faults |= _faults_of_rows(expected, rows, kept, dropped)
    return Verdict(
        acknowledged_spans=len(expected.spans),
        acknowledged_traces=int(known.sum()),
        uncertain_spans=len(expected.perhaps),
        kept_traces=int((known & kept).sum()),
        dropped_traces=int((known & dropped).sum()),
        stored_spans=len(np.unique(rows.spans)),
        foreign_rows=foreign,
        faults={name: fault if isinstance(fault, int) else int(fault.sum()) for name, fault in faults.items()},
        examples=_examples(expected, faults),
    )


def _faults_of_decisions(expected: Expected, decided: Decided, found: Mask, counts: Numbers) -> dict[str, Mask | int]:
    told = found & (counts >= 0)
    return {
        "undecided_traces": (expected.sure > 0) & ~found,
        "contradicted_traces": _contradicted(expected, decided),
        "traces_counted_short": told & (counts < expected.sure),
        "traces_counted_over": told & (counts > expected.possible),
        "spans_counted_twice": int(np.maximum(counts - expected.possible, 0)[told].sum()),
    }


def _faults_of_rows(expected: Expected, rows: Stored, kept: Mask, dropped: Mask) -> dict[str, Mask | int]:
    unique = np.unique(rows.spans)
    missing = ~_within(expected.spans, unique) & kept[expected.owners]
    unexpected = ~_within(unique, expected.spans) & ~_within(unique, expected.perhaps)
    return {
        "missing_spans": int(missing.sum()),
        "incomplete_traces": _marked(expected, expected.owners[missing]),
        "duplicate_rows": len(rows.spans) - len(unique),
        "unexpected_spans": int(unexpected.sum()),
        "dropped_traces_stored": _marked(expected, np.searchsorted(expected.traces, rows.traces)) & dropped,
    }


def _latest(expected: Expected, decided: Decided) -> tuple[Mask, Mask, Numbers]:
    """Of each expected trace: whether it was decided, and the verdict and span count of its highest revision."""
    order = np.lexsort((decided.revisions, decided.traces))
    keys = decided.traces[order]
    last = order[np.append(np.flatnonzero(keys[1:] != keys[:-1]), len(keys) - 1)] if len(keys) else order
    at = np.searchsorted(decided.traces[last], expected.traces)
    found = _within(expected.traces, decided.traces[last])
    kept = np.zeros(len(found), dtype=bool)
    counts = np.full(len(found), -1, dtype=np.int64)
    kept[found] = decided.kept[last[at[found]]]
    counts[found] = decided.span_counts[last[at[found]]]
    return found, kept, counts


def _contradicted(expected: Expected, decided: Decided) -> Mask:
    """Traces of which one revision was told in two ways, or which were dropped after having been kept."""
    order = np.lexsort((decided.kept, decided.revisions, decided.traces))
    keys, revisions = decided.traces[order], decided.revisions[order]
    kept, counts = decided.kept[order], decided.span_counts[order]
    follows = keys[1:] == keys[:-1]
    twice = follows & (revisions[1:] == revisions[:-1])
    wrong = (twice & ((kept[1:] != kept[:-1]) | (counts[1:] != counts[:-1]))) | (follows & kept[:-1] & ~kept[1:])
    return _within(expected.traces, np.unique(keys[1:][wrong]))


def _known_rows(expected: Expected, stored: Stored) -> tuple[Stored, int]:
    """The rows of expected traces, and the number of all others."""
    ours = _within(stored.traces, expected.traces)
    return Stored(stored.traces[ours], stored.spans[ours]), int((~ours).sum())


def _within(values: Keys, ascending: Keys) -> Mask:
    """Which values are among ascending ones."""
    if not len(ascending):
        return np.zeros(len(values), dtype=bool)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    same: Mask = ascending[at] == values
    return same


def _marked(expected: Expected, positions: Numbers) -> Mask:
    marks = np.zeros(len(expected.traces), dtype=bool)
    marks[positions] = True
    return marks


def _examples(expected: Expected, faults: dict[str, Mask | int]) -> dict[str, list[str]]:
    """A few hex ids of the traces that have each fault."""
    return {
        name: [expected.trace_id(position) for position in np.flatnonzero(fault)[:EXAMPLES].tolist()]
        for name, fault in faults.items()
        if not isinstance(fault, int) and fault.any()
    }
