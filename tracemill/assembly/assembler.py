"""Which traces of one partition does a record open, extend and close?

A pure function of the log: `feed` takes records in the order of their offsets, and what it answers with doesn't
depend on when, or in how many pieces, anyone asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from tracemill import bundles
from tracemill.assembly.clock import LogClock
from tracemill.assembly.shadows import Shadows
from tracemill.assembly.trace import Anchor, Carry, ClosedBy, Closing, Decided, Event, Hold, OpenTrace
from tracemill.config import Assembly
from tracemill.decode.groups import Sender

_CARRY_RANK, _CLOSE_RANK = 0, 1


class Remembers(Protocol):
    """What was decided before and has left the assembler's own memory."""

    def get(self, key: bytes, now_ms: int) -> Decided | None:
        """What was decided about a trace no longer than the horizon ago."""
        ...


class Assembler:
    """The open traces of one partition."""

    def __init__(self, rules: Assembly, memory: Remembers, start: Anchor) -> None:
        self._limits = rules
        self._memory = memory
        self._clock = LogClock(start.now_ms, start.append_ms)
        self.rules = start.rules
        self.next_offset = start.offset
        self._open: dict[bytes, OpenTrace] = {}
        self._recent: dict[bytes, Decided] = {}
        self._quiet: deque[tuple[int, OpenTrace]] = deque()
        self._idle: deque[tuple[int, OpenTrace]] = deque()
        self._age: deque[OpenTrace] = deque()
        self._unlisted: deque[tuple[int, OpenTrace]] = deque()
        self._grace: deque[tuple[int, int, Decided]] = deque()
        self._holds: deque[Hold] = deque()
        self._senders: dict[Sender, Sender] = {}
        self._shadows = Shadows()
        self._events: list[Event] = []
        self.held_bytes = 0
        self.grace_bytes = 0

    # ---- records -----------------------------------------------------------------------------------------------

    def feed_tick(self, offset: int, append_ms: int) -> None:
        """A record without spans: it moves the time on, nothing else."""
        self._advance(offset, append_ms)
        self.next_offset = offset + 1

    def feed_rules(self, offset: int, append_ms: int, rules: str) -> None:
        """A control record: from here on traces are decided by the rule set with this hash."""
        self._advance(offset, append_ms)
        self.rules = rules
        self.next_offset = offset + 1

    def feed_bundle(self, offset: int, append_ms: int, value: bytes, index: bytes) -> None:
        """A bundle of spans.

        Raises:
            BundleError: the record is no bundle; time has moved on, and none of its spans was taken.
        """
        anchor = Anchor(offset, self._clock.now_ms, self._clock.append_ms, self.rules)
        now = self._advance(offset, append_ms)
        self.next_offset = offset + 1
        touched = self._take(anchor, now, value, list(bundles.read_index(index, len(value))))
        born = [trace for trace in touched if trace.records[0] == offset] + self._shadows.grow(offset)
        self._age.extend(sorted(born, key=lambda trace: trace.key))
        self._schedule(touched, now)
        self._enforce(touched, now, offset)

    def _take(self, anchor: Anchor, now: int, value: bytes, groups: list[bundles.Group]) -> list[OpenTrace]:
        """Add every chunk to its trace; the traces that got something, in order of appearance."""
        offset, open_traces, touched = anchor.offset, self._open, []
        for group in groups:
            sender = self._sender(value, group)
            tenant = sender.tenant
            for trace_id, start, end, packed in group.chunks:
                trace = open_traces.get(trace_id + tenant)
                if trace is None:
                    trace = self._begin(trace_id + tenant, now, anchor)
                    if trace is None:
                        continue
                if not trace.records or trace.records[-1] != offset:
                    self._extend(trace, now, anchor)
                    touched.append(trace)
                spans = packed >> 1
                trace.pieces.append((value[start:end], sender, offset, spans))
                trace.sizes[-1] += end - start
                trace.spans += spans
                if packed & 1:
                    trace.rooted = True
        return touched

    def _sender(self, value: bytes, group: bundles.Group) -> Sender:
        (resource, resource_end), (tenant, tenant_end), (scope, scope_end) = group.resource, group.tenant, group.scope
        sender = Sender(value[tenant:tenant_end], value[resource:resource_end], value[scope:scope_end])
        if len(self._senders) > 10_000:
            self._senders.clear()
        return self._senders.setdefault(sender, sender)

    def _begin(self, key: bytes, now: int, anchor: Anchor) -> OpenTrace | None:
        """A trace that isn't open: new, or decided and now continued; None when this record was decided with it."""
        before = self._recent.get(key) or self._memory.get(key, now)
        if before is not None and anchor.offset <= before.last_offset:
            return None
        opened_at = before.opened_at if before else now
        trace = OpenTrace(key, opened_at, now, now, before, before.rooted if before else False)
        self._open[key] = trace
        return trace

    def _extend(self, trace: OpenTrace, now: int, anchor: Anchor) -> None:
        """The first chunk of this record for `trace`."""
        trace.last_at = now
        trace.records.append(anchor.offset)
        trace.times.append(now)
        trace.sizes.append(0)
        if trace.hold is None:
            trace.hold = Hold(anchor)
            trace.unlisted_at = now
            self._holds.append(trace.hold)
            self._unlisted.append((now, trace))

    def _schedule(self, touched: Iterable[OpenTrace], now: int) -> None:
        quiet, idle = self._quiet, self._idle
        for trace in touched:
            (quiet if trace.waits_for_quiet else idle).append((now, trace))
            size = trace.sizes[-1]
            trace.size += size
            self.held_bytes += size

    def _enforce(self, touched: Iterable[OpenTrace], now: int, offset: int) -> None:
        """Close what is too large, then the oldest until the partition is within its budget."""
        for trace in touched:
            if trace.spans >= self._limits.max_spans:
                self._close(trace, ClosedBy.MAX_SPANS, now, offset)
        self._shadows.end(offset, ClosedBy.MAX_SPANS)
        while self.held_bytes + self._shadows.held_bytes > self._limits.partition_bytes:
            trace = self._age.popleft()
            if trace.shadow:
                self._shadows.drop(trace)
            elif trace.is_open:
                self._close(trace, ClosedBy.MEMORY, now, offset)

    # ---- time --------------------------------------------------------------------------------------------------

    def _advance(self, offset: int, append_ms: int) -> int:
        """Move the time on and close (or carry) what is due, ordered by due time and trace."""
        now = self._clock.advance(append_ms)
        due = sorted(self._due(now), key=lambda item: item[:3])
        for at, _, rank, trace, closed_by in due:
            if not trace.is_open or trace.shadow:
                continue
            if rank == _CARRY_RANK:
                self._carry(trace, at, offset)
            else:
                self._close(trace, closed_by, at, offset)
        self._shadows.end(offset, ClosedBy.COMPLETE, ClosedBy.IDLE, ClosedBy.MAX_AGE)
        if self._grace:
            self._forget(now)
        return now

    def _due(self, now: int) -> Iterator[tuple[int, bytes, int, OpenTrace, ClosedBy]]:
        limits = self._limits
        for queue, wait in self._waits():
            while queue and queue[0][0] + wait <= now:
                at, trace = queue.popleft()
                if self._still_waits(queue, at, trace):
                    reason = ClosedBy.COMPLETE if trace.rooted else ClosedBy.IDLE
                    yield at + wait, trace.key, _CLOSE_RANK, trace, reason
        age = self._age
        while age and (not age[0].is_open or age[0].first_at + limits.max_age_ms <= now):
            trace = age.popleft()
            yield trace.first_at + limits.max_age_ms, trace.key, _CLOSE_RANK, trace, ClosedBy.MAX_AGE
        unlisted = self._unlisted
        while unlisted and unlisted[0][0] + limits.carry_after_ms <= now:
            at, trace = unlisted.popleft()
            if trace.is_open and trace.hold is not None and trace.unlisted_at == at:
                yield at + limits.carry_after_ms, trace.key, _CARRY_RANK, trace, ClosedBy.IDLE

    def _waits(self) -> tuple[tuple[deque[tuple[int, OpenTrace]], int], ...]:
        return (self._quiet, self._limits.quiet_period_ms), (self._idle, self._limits.max_idle_ms)

    def _still_waits(self, queue: object, at: int, trace: OpenTrace) -> bool:
        """Whether nothing has come for `trace` since it was queued at `at`, and this is the queue it waits in."""
        return trace.is_open and trace.last_at == at and trace.waits_for_quiet is (queue is self._quiet)

    def _close(self, trace: OpenTrace, closed_by: ClosedBy, at: int, cause: int) -> None:
        trace.is_open = False
        del self._open[trace.key]
        self.held_bytes -= trace.size
        decided = _decided(trace, at)
        self._recent[trace.key] = decided
        self._grace.append((at + self._limits.late_grace_ms, trace.size, decided))
        self.grace_bytes += trace.size
        self._events.append(Closing(trace, decided, closed_by, at, cause, self.rules))

    def _carry(self, trace: OpenTrace, at: int, cause: int) -> None:
        new = slice(trace.listed, None)
        records, times, sizes = tuple(trace.records[new]), tuple(trace.times[new]), tuple(trace.sizes[new])
        trace.listed = len(trace.records)
        hold, trace.hold = trace.hold, None
        self._events.append(Carry(trace, records, times, sizes, trace.rooted, at, cause, hold))

    def _forget(self, now: int) -> None:
        """Drop the spans of what was decided longer than the grace ago, or is too much, once it is settled.

        What is dropped is read again from the log when late spans need it, so this is no part of any decision.
        """
        limit = self._limits.late_grace_bytes
        while self._grace and (self._grace[0][0] <= now or self.grace_bytes > limit) and self._grace[0][2].settled:
            _, size, decided = self._grace.popleft()
            self.grace_bytes -= size
            if self._recent.get(decided.key) is decided:
                del self._recent[decided.key]

    # ---- what the worker asks ----------------------------------------------------------------------------------

    def take(self) -> list[Event]:
        """What was closed and carried since the last time, in the order of the log."""
        events, self._events = self._events, []
        return events

    def release(self, events: Iterable[Event]) -> Anchor:
        """These events were decided: let go what they hold; where a restart has to read from once they are written."""
        for event in events:
            hold = event.hold if isinstance(event, Carry) else event.trace.hold
            if hold is not None:
                hold.released = True
        holds = self._holds
        while holds and holds[0].released:
            holds.popleft()
        if holds:
            return holds[0].anchor
        return Anchor(self.next_offset, self._clock.now_ms, self._clock.append_ms, self.rules)

    def settle(self, events: Iterable[Event]) -> None:
        """These events are written down and remembered: their spans may leave memory when the grace is over."""
        for event in events:
            if isinstance(event, Closing):
                event.decided.settled = True

    def next_due(self) -> int | None:
        """How many milliseconds of log time from now something is due, at the earliest; None when nothing is open."""
        limits, now = self._limits, self._clock.now_ms
        if now is None or not self._open:
            return None
        ahead = [limits.max_age_ms + self._age[0].first_at] if self._age else []
        for queue, wait in self._waits():
            while queue and not self._still_waits(queue, *queue[0]):
                queue.popleft()
            if queue:
                ahead.append(queue[0][0] + wait)
        return max(0, min(ahead) - now) if ahead else None

    def restore(self, traces: Sequence[OpenTrace], shadows: Shadows) -> None:
        """Put back what was open at the start; before the first record is fed.

        Args:
            traces: those that had been carried, with their spans.
            shadows: those that were decided after the start: they count against the budget until then.
        """
        self._shadows = shadows
        for trace in traces:
            self._open[trace.key] = trace
            self.held_bytes += trace.size
        self._age.extend(sorted([*traces, *shadows.open()], key=lambda trace: (trace.records[0], trace.key)))
        for trace in sorted(traces, key=lambda trace: trace.last_at):
            (self._quiet if trace.waits_for_quiet else self._idle).append((trace.last_at, trace))
        for trace in sorted(traces, key=lambda trace: trace.unlisted_at):
            if trace.hold is not None:
                self._holds.append(trace.hold)
                self._unlisted.append((trace.unlisted_at, trace))

    @property
    def now_ms(self) -> int:
        """The log time; 0 before the first record."""
        return self._clock.now_ms or 0

    @property
    def open_count(self) -> int:
        """How many traces are open."""
        return len(self._open)


def _decided(trace: OpenTrace, closed_at: int) -> Decided:
    before, own = trace.before, trace.pieces
    if before is None:
        return Decided(trace.key, trace.opened_at, closed_at, trace.records, trace.records[-1], trace.rooted, own)
    return Decided(
        trace.key,
        trace.opened_at,
        closed_at,
        before.records + trace.records,
        before.first_through,
        trace.rooted,
        None if before.pieces is None else before.pieces + own,
    )
