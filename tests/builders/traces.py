"""Open traces, as an assembler holds them: what a test doesn't name has a default."""

from __future__ import annotations

from tests.builders.bundles import trace_id
from tracemill.assembly.trace import Anchor, OpenTrace


def open_trace(number: int = 1, at: int = 0, rooted: bool = False, record: int | None = None) -> OpenTrace:
    """A trace that was opened at the log time `at`, in the record of that offset unless `record` says another."""
    trace = OpenTrace(trace_id(number) + b"default", at, at, at, None, rooted)
    trace.records.append(at if record is None else record)
    trace.times.append(at)
    trace.sizes.append(10)
    trace.size = 10
    return trace


def anchor(offset: int) -> Anchor:
    """The state before the record at `offset`, read at a log time of so many milliseconds."""
    return Anchor(offset, offset, offset)
