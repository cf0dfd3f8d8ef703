"""How much memory does a trace take, when is it too large, and what does that mean for what comes late?

A row is computed from all spans of its trace, again with each revision. So that many late spans of a large trace cost
no more than as many of small ones, it waits longer for quiet the larger it is; and beyond twice of what closes a trace
its row stays as it is: what still comes is decided by itself, as the trace was.
"""

from __future__ import annotations

from typing import Final

from tracemill.assembly.trace import ClosedBy, Decided, OpenTrace
from tracemill.config import Assembly

OPEN_BYTES: Final = 600
"""Memory that an open trace takes beside its spans."""
CHUNK_BYTES: Final = 250
"""Memory that a chunk of a trace takes beside its bytes: what one record has of it from one sender."""
OFFSET_BYTES: Final = 40
"""Memory for each record that a trace was decided with before."""

PARTS: Final = 20
"""A trace waits a quiet period for each of so many parts of what closes one: 5,000 spans take a tenth of a second."""
_LARGEST: Final = 2
"""A row is computed of so many times what closes a trace, at most."""


def counted(trace: OpenTrace) -> int:
    """How many spans a trace has; a record without any, which promotes it, takes as much as one."""
    return max(trace.spans, len(trace.records))


def closes(trace: OpenTrace, limits: Assembly) -> ClosedBy | None:
    """Why a trace is too large to stay open, if it is."""
    if counted(trace) >= limits.max_spans:
        return ClosedBy.MAX_SPANS
    return ClosedBy.MAX_BYTES if trace.span_bytes >= limits.max_trace_bytes else None


def beyond(decided: Decided, limits: Assembly) -> bool:
    """Whether a trace is too large for its row to be computed again; where it is, it stays so."""
    return decided.spans > _LARGEST * limits.max_spans or decided.span_bytes > _LARGEST * limits.max_trace_bytes


def quiet_ms(trace: OpenTrace, limits: Assembly) -> int:
    """How long a trace whose root is there, or that was decided before, waits for nothing to come."""
    quiet, before = limits.quiet_period_ms, trace.before
    if before is None or beyond(before, limits):
        return quiet
    spans, span_bytes = before.spans * PARTS // limits.max_spans, before.span_bytes * PARTS // limits.max_trace_bytes
    return max(quiet, min(quiet * max(spans, span_bytes), limits.max_age_ms))


def before_bytes(before: Decided | None) -> int:
    """Memory for what an open trace was decided with before."""
    return OFFSET_BYTES * len(before.records) if before else 0
