"""Which traces count against a partition's budget though they are decided already? Those that a restart reads again.

A worker that starts at a commit reads records again whose traces were decided later. Their spans aren't taken a second
time, but until the record that closed them they held memory, and the budget has to see it: else other traces would be
closed at another point than the first time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tracemill.assembly.trace import ClosedBy, OpenTrace


class Shadows:
    """Traces without spans that grow and end where those did that they stand for."""

    def __init__(self) -> None:
        self.held_bytes = 0
        self._grows: dict[int, list[tuple[OpenTrace, int]]] = defaultdict(list)
        self._ends: dict[int, list[tuple[OpenTrace, ClosedBy]]] = defaultdict(list)
        self._open: list[OpenTrace] = []

    def add(
        self, key: bytes, records: Sequence[tuple[int, int, int]], start: int, closed_by: ClosedBy, cause: int
    ) -> None:
        """A trace that was closed at `cause`, at or after the offset `start`.

        Args:
            key: the trace's.
            records: offset, log time and the trace's bytes in each record of it, in order.
            start: the offset at which reading begins again.
            closed_by: why it was closed.
            cause: the offset of the record that closed it.
        """
        first, first_at, _ = records[0]
        trace = OpenTrace(key, first_at, first_at, first_at, None, False, shadow=True, records=[first])
        for offset, _, size in records:
            if offset < start:
                trace.size += size
            else:
                self._grows[offset].append((trace, size))
        if first < start:
            self._open.append(trace)
        self.held_bytes += trace.size
        self._ends[cause].append((trace, closed_by))

    def open(self) -> Sequence[OpenTrace]:
        """Those that were open at the start."""
        return self._open

    def grow(self, offset: int) -> list[OpenTrace]:
        """The record at `offset` was read: what begins with it."""
        grown = self._grows.pop(offset, None) if self._grows else None
        if not grown:
            return []
        for trace, size in grown:
            if trace.is_open:
                trace.size += size
                self.held_bytes += size
        return [trace for trace, _ in grown if trace.records[0] == offset]

    def end(self, offset: int, *reasons: ClosedBy) -> None:
        """What was closed by the record at `offset` for one of `reasons` holds nothing any longer."""
        if not self._ends or offset not in self._ends:
            return
        for trace, closed_by in self._ends[offset]:
            if closed_by in reasons:
                self.drop(trace)

    def drop(self, trace: OpenTrace) -> None:
        """A trace holds nothing any longer."""
        if trace.is_open:
            trace.is_open = False
            self.held_bytes -= trace.size
