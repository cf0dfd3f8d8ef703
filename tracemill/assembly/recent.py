"""What was decided about a trace of which more comes? With its spans, as long as they are in memory.

Spans leave memory when the grace is over, or there are too many of them: then they are read again from the log where
late spans need them, so this is no part of any decision.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from tracemill.assembly import sizes
from tracemill.assembly.trace import Closing, Decided, Event, OpenTrace
from tracemill.config import Assembly


class Remembers(Protocol):
    """What was decided before and has left the assembler's own memory."""

    def get(self, key: bytes, now_ms: int) -> Decided | None:
        """What was decided about a trace no longer than the horizon ago."""
        ...


class Recent:
    """The traces of a partition that were closed lately; behind them whatever is remembered."""

    def __init__(self, limits: Assembly, memory: Remembers) -> None:
        self._grace_ms, self._limit_bytes = limits.late_grace_ms, limits.late_grace_bytes
        self._limits, self._horizon_ms = limits, limits.memory_horizon_ms
        self._memory = memory
        self._decided: dict[bytes, Decided] = {}
        self._grace: deque[tuple[int, int, Decided]] = deque()
        self.grace_bytes = 0

    def get(self, key: bytes, now: int) -> Decided | None:
        """What was decided about a trace; None at the log time `now` if it was never, or too long ago."""
        decided = self._decided.get(key)
        if decided and decided.closed_at + self._horizon_ms >= now:
            return decided
        return self._memory.get(key, now)

    def close(self, trace: OpenTrace, at: int) -> Decided:
        """`trace` is closed at the log time `at`: what is known of it from now on."""
        decided = self._decided[trace.key] = self._after(trace, at)
        self._grace.append((at + self._grace_ms, trace.size, decided))
        self.grace_bytes += trace.size
        return decided

    def settle(self, events: Iterable[Event]) -> None:
        """These events are written down and remembered: their spans may leave memory when the grace is over."""
        for event in events:
            if isinstance(event, Closing):
                event.decided.settled = True

    def forget(self, now: int) -> None:
        """Drop the spans of what was decided longer than the grace ago, or is too much, once it is settled."""
        grace = self._grace
        while grace and (grace[0][0] <= now or self.grace_bytes > self._limit_bytes) and grace[0][2].settled:
            _, size, decided = grace.popleft()
            self.grace_bytes -= size
            if self._decided.get(decided.key) is decided:
                del self._decided[decided.key]

    def _after(self, trace: OpenTrace, closed_at: int) -> Decided:
        """What it was decided with before, and what has come since; the latter alone where that is too much."""
        before = trace.before
        decided = Decided(
            trace.key,
            trace.opened_at,
            closed_at,
            trace.records,
            before.first_through if before else trace.records[-1],
            trace.rooted,
            trace.pieces,
            sizes.counted(trace) + (before.spans if before else 0),
            trace.span_bytes + (before.span_bytes if before else 0),
        )
        if before is None:
            return decided
        if sizes.beyond(decided, self._limits):
            decided.whole = False
            return decided
        decided.records = before.records + trace.records
        decided.pieces = None if before.pieces is None else before.pieces + trace.pieces
        decided.whole = before.pieces is None or before.whole
        return decided
