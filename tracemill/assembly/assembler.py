"""Which traces of one partition does a record open, extend and close?

A pure function of the log: `feed_…` takes records in the order of their offsets, and what `take` answers with doesn't
depend on when, or in how many pieces, anyone asks. A record first moves the log time on, and what is due closes; then
it does what it says; then what is too large or too much closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tracemill import bundles
from tracemill.assembly import sizes
from tracemill.assembly.arrivals import Arrivals
from tracemill.assembly.awaited import Awaited
from tracemill.assembly.clock import LogClock
from tracemill.assembly.holds import Holds, carry
from tracemill.assembly.recent import Recent, Remembers
from tracemill.assembly.shadows import Shadows
from tracemill.assembly.trace import Anchor, ClosedBy, Closing, Decided, Event, OpenTrace
from tracemill.assembly.waits import Waits
from tracemill.config import Assembly
from tracemill.sampling.steering import Override

_CARRY_RANK, _CLOSE_RANK = 0, 1


class Assembler:
    """The open traces of one partition."""

    def __init__(self, rules: Assembly, memory: Remembers, start: Anchor) -> None:
        self._limits = rules
        self._clock = LogClock(start.now_ms, start.append_ms)
        self._steering = start.steering
        self.next_offset = start.offset
        self._recent = Recent(rules, memory)
        self._holds = Holds(rules.carry_after_ms)
        self._awaited = Awaited(rules.max_idle_ms, self._holds)
        self._arrivals = Arrivals(self._recent, self._holds, self._awaited)
        self._waits = Waits(rules)
        self._shadows = Shadows()
        self._events: list[Event] = []
        self._before = start

    # ---- records -----------------------------------------------------------------------------------------------

    def feed_tick(self, offset: int, append_ms: int) -> None:
        """A record without spans: it moves the time on, nothing else."""
        self._advance(offset, append_ms)

    def feed_rules(self, offset: int, append_ms: int, rules: str) -> None:
        """A control record: from here on traces are decided by the rule set with this hash."""
        self._advance(offset, append_ms)
        self._steering = self._steering._replace(rules=rules)

    def feed_override(self, offset: int, append_ms: int, override: Override, revoked: bool) -> None:
        """A control record: from here on an override holds, until its time is over; or it doesn't any longer."""
        self._advance(offset, append_ms)
        steering = self._steering
        steering = steering.without(override.id) if revoked else steering.with_override(override)
        self._steering = steering.at(append_ms)

    def feed_promotion(self, offset: int, append_ms: int, key: bytes, why: str, known: Decided | None) -> None:
        """A control record: a trace is to be kept, also one that comes within `max_idle` from now.

        Args:
            offset: the record's.
            append_ms: when it was appended.
            key: the trace's.
            why: what its policy is to say.
            known: what was decided about it, in case that isn't remembered any longer.
        """
        now = self._advance(offset, append_ms)
        trace = self._arrivals.promote(self._before, now, key, why, known)
        self._take(() if trace is None else (trace,), now, offset)

    def feed_bundle(self, offset: int, append_ms: int, value: bytes, index: bytes) -> None:
        """A bundle of spans.

        Raises:
            BundleError: the record is no bundle; time has moved on, and none of its spans was taken.
        """
        now = self._advance(offset, append_ms)
        touched = self._arrivals.take(self._before, now, value, list(bundles.read_index(index, len(value))))
        self._take(touched, now, offset)

    def _advance(self, offset: int, append_ms: int) -> int:
        """Move the time on and close (or carry) what is due, ordered by due time and trace."""
        self._before = Anchor(offset, self._clock.now_ms, self._clock.append_ms, self._steering)
        now = self._clock.advance(append_ms)
        self._steering = self._steering.at(append_ms)
        due = [(at, trace.key, _CLOSE_RANK, trace, closed_by) for at, trace, closed_by in self._waits.due(now)]
        due += [(at, trace.key, _CARRY_RANK, trace, ClosedBy.IDLE) for at, trace in self._holds.due(now)]
        due.sort(key=lambda item: item[:3])
        for at, _, rank, trace, closed_by in due:
            if not trace.is_open or trace.shadow:
                continue
            if rank == _CARRY_RANK:
                self._events.append(carry(trace, at, offset))
            else:
                self._close(trace, closed_by, at, offset)
        self._shadows.end(offset, ClosedBy.COMPLETE, ClosedBy.IDLE, ClosedBy.MAX_AGE)
        self._recent.forget(now)
        self._awaited.end(now)
        self.next_offset = offset + 1
        return now

    def _take(self, touched: Sequence[OpenTrace], now: int, offset: int) -> None:
        """The record at `offset` has brought something for these."""
        self._waits.begin([trace for trace in touched if trace.records[0] == offset] + self._shadows.grow(offset))
        self._waits.go_on(touched, now)
        self._enforce(touched, now, offset)

    def _enforce(self, touched: Iterable[OpenTrace], now: int, offset: int) -> None:
        """Close what is too large, then the oldest until the partition is within its budget."""
        for trace in touched:
            if (too_large := sizes.closes(trace, self._limits)) is not None:
                self._close(trace, too_large, now, offset)
        self._shadows.end(offset, ClosedBy.MAX_SPANS, ClosedBy.MAX_BYTES)
        while self.held_bytes + self._shadows.held_bytes > self._limits.partition_bytes:
            trace = self._waits.oldest()
            if trace.shadow:
                self._shadows.drop(trace)
            elif trace.is_open:
                self._close(trace, ClosedBy.MEMORY, now, offset)

    def _close(self, trace: OpenTrace, closed_by: ClosedBy, at: int, cause: int) -> None:
        self._arrivals.close(trace)
        self._holds.keep(trace, self._before)
        self._events.append(Closing(trace, self._recent.close(trace, at), closed_by, at, cause, self._steering))

    # ---- what the worker asks ----------------------------------------------------------------------------------

    def take(self) -> list[Event]:
        """What was closed and carried since the last time, in the order of the log."""
        events, self._events = self._events, []
        return events

    def release(self, events: Iterable[Event]) -> Anchor:
        """These events were decided: let go what they hold; where a restart has to read from once they are written."""
        here = Anchor(self.next_offset, self._clock.now_ms, self._clock.append_ms, self._steering)
        return self._holds.release(events) or here

    def settle(self, events: Iterable[Event]) -> None:
        """These events are written down and remembered: their spans may leave memory when the grace is over."""
        self._recent.settle(events)

    def next_due(self) -> int | None:
        """How many milliseconds of log time from now something is due, at the earliest; None when nothing is."""
        ahead = [self._waits.next_due()] if self.open_count else []
        ahead += [self._awaited.next_due()] if self._awaited else []
        return min((max(0, at - self.now_ms) for at in ahead if at is not None), default=None)

    def restore(self, traces: Sequence[OpenTrace], shadows: Shadows) -> None:
        """Put back what was open at the start; before the first record is fed.

        Args:
            traces: those that had been carried, with their spans.
            shadows: those that were decided after the start: they count against the budget until then.
        """
        self._shadows = shadows
        self._arrivals.restore(traces)
        self._waits.restore(traces, shadows.open())
        self._holds.restore(traces)

    @property
    def rules(self) -> str:
        """The hash of the rule set that holds."""
        return self._steering.rules

    @property
    def now_ms(self) -> int:
        """The log time; 0 before the first record."""
        return self._clock.now_ms or 0

    @property
    def open_count(self) -> int:
        """How many traces are open."""
        return len(self._arrivals)

    @property
    def append_ms(self) -> int:
        """When the last record was appended; 0 before the first."""
        return self._clock.append_ms

    @property
    def carried_count(self) -> int:
        """How many of the open traces are carried; looks at each of them."""
        return self._arrivals.carried_count

    @property
    def held_bytes(self) -> int:
        """Memory that the open traces take."""
        return self._arrivals.held_bytes

    @property
    def shadow_bytes(self) -> int:
        """Memory that counts against the budget though their traces are decided."""
        return self._shadows.held_bytes

    @property
    def grace_bytes(self) -> int:
        """Bytes of the spans of closed traces that are still in memory."""
        return self._recent.grace_bytes
