"""Where does reading have to begin again? At the oldest record of which a trace's spans are written down nowhere yet.

Spans are written down when their trace is decided. The records of a trace that stays open longer than `carry_after`
are listed instead, so that a commit needn't wait for it: it is *carried*. When it closes, the record that closed it
holds until that is written: read from behind it, the trace would close at another record.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from tracemill.assembly.trace import Anchor, Carry, Event, Hold, OpenTrace


class Holds:
    """What keeps a partition's commit back: the records of open traces that aren't listed yet, in their order."""

    def __init__(self, carry_after_ms: int) -> None:
        self._carry_after_ms = carry_after_ms
        self._holds: deque[Hold] = deque()
        self._unlisted: deque[tuple[int, OpenTrace]] = deque()

    def begin(self, trace: OpenTrace, anchor: Anchor, now: int) -> None:
        """The record behind `anchor`, read at the log time `now`, is the first of `trace` that isn't listed."""
        self.take_over(trace, self.hold(anchor), now)

    def hold(self, anchor: Anchor) -> Hold:
        """Something holds that doesn't belong to a trace yet: the record behind `anchor`."""
        hold = Hold(anchor)
        self._holds.append(hold)
        return hold

    def take_over(self, trace: OpenTrace, hold: Hold, now: int) -> None:
        """From the log time `now` on `trace` holds this, until it is listed or closed."""
        trace.hold, trace.unlisted_at = hold, now
        self._unlisted.append((now, trace))

    def keep(self, trace: OpenTrace, anchor: Anchor) -> None:
        """The record behind `anchor` has closed `trace`."""
        if trace.hold is None:
            trace.hold = self.hold(anchor)

    def due(self, now: int) -> Iterator[tuple[int, OpenTrace]]:
        """Open traces that have to be carried by the log time `now`, and when they had to be."""
        unlisted = self._unlisted
        while unlisted and unlisted[0][0] + self._carry_after_ms <= now:
            at, trace = unlisted.popleft()
            # What only a record knows can't be listed: the commit waits for it.
            if trace.is_open and not trace.told:
                yield at + self._carry_after_ms, trace

    def release(self, events: Iterable[Event]) -> Anchor | None:
        """These events were decided; where the first record lies that is still held, None where none is."""
        for event in events:
            hold = event.hold if isinstance(event, Carry) else event.trace.hold
            if hold is not None:
                hold.released = True
        holds = self._holds
        while holds and holds[0].released:
            holds.popleft()
        return holds[0].anchor if holds else None

    def restore(self, traces: Iterable[OpenTrace]) -> None:
        """Hold what these traces held."""
        for trace in sorted(traces, key=lambda trace: trace.unlisted_at):
            if trace.hold is not None:
                self._holds.append(trace.hold)
                self._unlisted.append((trace.unlisted_at, trace))


def carry(trace: OpenTrace, at: int, cause: int) -> Carry:
    """List the records of `trace` that aren't yet: from here on the next one holds."""
    new = slice(trace.listed, None)
    records, times, sizes = tuple(trace.records[new]), tuple(trace.times[new]), tuple(trace.sizes[new])
    trace.listed = len(trace.records)
    hold, trace.hold = trace.hold, None
    return Carry(trace, records, times, sizes, trace.rooted, trace.promoted, at, cause, hold)
