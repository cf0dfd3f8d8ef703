"""Which traces wait, each for a time of its own? A few: those that are so large that working them out takes long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count

from tracemill.assembly.trace import OpenTrace


class Paced:
    """Open traces by when they are due, each once, however much comes for it.

    Args:
        due_at: the log time at which a trace is due as things stand; it only moves on.
    """

    def __init__(self, due_at: Callable[[OpenTrace], int]) -> None:
        self._due_at = due_at
        self._heap: list[tuple[int, int, OpenTrace]] = []
        self._waiting: set[OpenTrace] = set()
        self._number = count()

    def add(self, trace: OpenTrace) -> None:
        """Something came for this one."""
        if trace not in self._waiting:
            self._waiting.add(trace)
            self._push(trace)

    def due(self, now: int) -> Iterator[tuple[int, OpenTrace]]:
        """Traces that have to close by the log time `now`, and when they had to."""
        while (at := self.next_due()) is not None and at <= now:
            yield at, self._pop()

    def next_due(self) -> int | None:
        """When the first is due; None where none waits."""
        while self._heap:
            at, _, trace = self._heap[0]
            if trace.is_open and at == self._due_at(trace):
                return at
            self._pop()
            if trace.is_open:
                self.add(trace)
        return None

    def _push(self, trace: OpenTrace) -> None:
        heappush(self._heap, (self._due_at(trace), next(self._number), trace))

    def _pop(self) -> OpenTrace:
        trace = heappop(self._heap)[2]
        self._waiting.remove(trace)
        return trace
