"""When has an open trace waited long enough? By log time: of quiet, of idleness, or of age."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from tracemill.assembly import sizes
from tracemill.assembly.paced import Paced
from tracemill.assembly.trace import ClosedBy, OpenTrace
from tracemill.config import Assembly

Queue = deque[tuple[int, OpenTrace]]
"""Traces and when something came for them, in this order; a trace stands in it once for each time that it got some."""


class Waits:
    """The open traces of a partition in the order in which they will be due, and by age."""

    def __init__(self, limits: Assembly) -> None:
        self._limits = limits
        self._quiet: Queue = deque()
        self._idle: Queue = deque()
        self._paced = Paced(lambda trace: trace.last_at + sizes.quiet_ms(trace, limits))
        self._age: deque[OpenTrace] = deque()

    def begin(self, traces: Iterable[OpenTrace]) -> None:
        """These began with the record that was just read; those that began together are ordered by their keys."""
        self._age.extend(sorted(traces, key=lambda trace: trace.key))

    def go_on(self, traces: Iterable[OpenTrace], now: int) -> None:
        """Something came for these at the log time `now`."""
        quiet, idle = self._quiet, self._idle
        for trace in traces:
            if trace.before is not None and sizes.quiet_ms(trace, self._limits) > self._limits.quiet_period_ms:
                self._paced.add(trace)
            else:
                (quiet if trace.waits_for_quiet else idle).append((now, trace))

    def due(self, now: int) -> Iterator[tuple[int, OpenTrace, ClosedBy]]:
        """Traces that have to close by the log time `now`, when they had to, and why; a shadow may be among them."""
        for queue, wait in self._queues():
            while queue and queue[0][0] + wait <= now:
                at, trace = queue.popleft()
                if self._still_waits(queue, at, trace):
                    yield at + wait, trace, _when_quiet(trace)
        yield from ((at, trace, _when_quiet(trace)) for at, trace in self._paced.due(now))
        age, longest = self._age, self._limits.max_age_ms
        while age and (not age[0].is_open or age[0].first_at + longest <= now):
            trace = age.popleft()
            yield trace.first_at + longest, trace, ClosedBy.MAX_AGE

    def next_due(self) -> int | None:
        """The log time at which something is due, if nothing comes until then; None where nothing is open."""
        ahead = [self._age[0].first_at + self._limits.max_age_ms] if self._age else []
        if (paced := self._paced.next_due()) is not None:
            ahead.append(paced)
        for queue, wait in self._queues():
            while queue and not self._still_waits(queue, *queue[0]):
                queue.popleft()
            if queue:
                ahead.append(queue[0][0] + wait)
        return min(ahead, default=None)

    def oldest(self) -> OpenTrace:
        """Take out the trace that began first; it may have been closed or be a shadow."""
        return self._age.popleft()

    def restore(self, traces: Iterable[OpenTrace], shadows: Iterable[OpenTrace]) -> None:
        """Wait for what was waited for."""
        self._age.extend(sorted([*traces, *shadows], key=lambda trace: (trace.records[0], trace.key)))
        for trace in sorted(traces, key=lambda trace: trace.last_at):
            self.go_on([trace], trace.last_at)

    def _queues(self) -> tuple[tuple[Queue, int], ...]:
        return (self._quiet, self._limits.quiet_period_ms), (self._idle, self._limits.max_idle_ms)

    def _still_waits(self, queue: Queue, at: int, trace: OpenTrace) -> bool:
        """Whether nothing has come for `trace` since it was queued at `at`, and this is the queue it waits in."""
        return trace.is_open and trace.last_at == at and trace.waits_for_quiet is (queue is self._quiet)


def _when_quiet(trace: OpenTrace) -> ClosedBy:
    return ClosedBy.COMPLETE if trace.rooted else ClosedBy.IDLE
