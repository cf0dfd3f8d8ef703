"""What has to come out of a partition's log? Told span by span with protobuf's own parser, slowly and plainly.

Shares no code with the pipeline: it reads values as `TracesData`, never the index, and scans everything it holds at
every record. It knows nothing of stale spans: no log that it is given holds any.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from loadtest.reader.facts import Fact, Judge, Verdict, fact_of, keep_everything
from loadtest.reader.memory import OPEN_BYTES, RECORD_BYTES, runs
from tracemill.config import Assembly

PARTS: Final = 20
NOTHING: Final = Verdict(False, "", 0.0)

Record = tuple[int, bytes]
"""Append time in milliseconds, and value; an empty value is a tick."""


class Row(NamedTuple):
    """A revision of a trace: why and at which log time it was closed, the offset of the record that caused it, when the
    trace was opened, whether its root is there, and the ids of all its spans so far."""

    key: bytes
    revision: int
    closed_by: str
    at: int
    cause: int
    opened_at: int
    complete: bool
    span_ids: frozenset[bytes]


@dataclass
class _Trace:
    key: bytes
    opened_at: int
    first_at: int
    last_at: int
    opened_with: int
    before: _Done | None
    rooted: bool
    count: int = 0
    span_bytes: int = 0
    memory_bytes: int = 0
    records: set[int] = field(default_factory=set)
    spans: dict[bytes, Fact] = field(default_factory=dict)


@dataclass
class _Done:
    opened_at: int
    closed_at: int
    revision: int
    rooted: bool
    count: int
    span_bytes: int
    records: int
    spans: dict[bytes, Fact]
    verdict: Verdict


class Reader:
    """Reads a log; `rows` is what has to be decided, in order, and `verdicts` how, row by row.

    `beyond` are the keys of traces that became too large: their last row doesn't tell of all their spans.
    """

    def __init__(self, limits: Assembly) -> None:
        self.limits = limits
        self.rows: list[Row] = []
        self.verdicts: list[Verdict] = []
        self.beyond: set[bytes] = set()
        self._judge: Judge = keep_everything
        self._open: dict[bytes, _Trace] = {}
        self._done: dict[bytes, _Done] = {}
        self._now: int | None = None
        self._append = 0
        self.next_offset = 0

    def read(self, records: Iterable[Record]) -> list[Row]:
        """Read a whole log without control records; its rows."""
        for append_ms, value in records:
            self.feed(append_ms, value)
        return self.rows

    def feed(self, append_ms: int, value: bytes) -> None:
        """The next record: a bundle or a tick."""
        self._advance(append_ms)
        self._close_large(self._add(value))

    def apply(self, append_ms: int, judge: Judge) -> None:
        """The next record: a control record that puts other rules in force."""
        self._advance(append_ms)
        self._judge = judge

    @property
    def open_traces(self) -> list[bytes]:
        """The keys of the traces that haven't closed."""
        return list(self._open)

    def spans(self) -> dict[bytes, dict[bytes, Fact]]:
        """Of each trace that was closed, all spans with which it was."""
        return {key: done.spans for key, done in self._done.items()}

    def _advance(self, append_ms: int) -> None:
        self._now = append_ms if self._now is None else self._now + max(0, append_ms - self._append)
        self._append, self.next_offset = append_ms, self.next_offset + 1
        self._close_due()

    def _due(self, trace: _Trace) -> tuple[int, str]:
        if trace.rooted or trace.before:
            wait, why = self._quiet_ms(trace.before), "complete" if trace.rooted else "idle"
        else:
            wait, why = self.limits.max_idle_ms, "idle"
        idle, age = trace.last_at + wait, trace.first_at + self.limits.max_age_ms
        return (idle, why) if idle <= age else (age, "max_age")

    def _quiet_ms(self, before: _Done | None) -> int:
        """The larger a trace, the longer it waits to be worked out again."""
        quiet = self.limits.quiet_period_ms
        if before is None or self._is_beyond(before):
            return quiet
        of_spans = PARTS * before.count // self.limits.max_spans
        of_bytes = PARTS * before.span_bytes // self.limits.max_trace_bytes
        return max(quiet, min(quiet * max(of_spans, of_bytes), self.limits.max_age_ms))

    def _close_due(self) -> None:
        assert self._now is not None
        due = [(self._due(trace), trace) for trace in self._open.values()]
        for (at, why), trace in sorted(due, key=lambda item: (item[0][0], item[1].key)):
            if at <= self._now:
                self._close(trace, why, at)

    def _close(self, trace: _Trace, why: str, at: int) -> None:
        del self._open[trace.key]
        before = trace.before
        done = _Done(trace.opened_at, at, 0, trace.rooted, max(trace.count, len(trace.records)), trace.span_bytes,
                     len(trace.records), dict(trace.spans), NOTHING)  # fmt: skip
        if before is not None:
            done.revision, done.verdict = before.revision, before.verdict
            done.count, done.span_bytes = done.count + before.count, done.span_bytes + before.span_bytes
            done.spans = {**trace.spans, **before.spans}
        self._done[trace.key] = done
        if self._is_beyond(done):
            self.beyond.add(trace.key)
            return
        done.records += before.records if before else 0
        if before is None or done.spans.keys() != before.spans.keys():
            self._revise(done, trace, why)

    def _is_beyond(self, done: _Done) -> bool:
        """Whether a trace is too large to be worked out again."""
        limits = self.limits
        return done.count > 2 * limits.max_spans or done.span_bytes > 2 * limits.max_trace_bytes

    def _revise(self, done: _Done, trace: _Trace, why: str) -> None:
        known = done.verdict if trace.before else None
        done.revision, done.verdict = done.revision + 1, _followed(known, self._judge(trace.key[:16], done.spans))
        self.verdicts.append(done.verdict)
        told = (done.closed_at, self.next_offset - 1, trace.opened_at, trace.rooted, frozenset(done.spans))
        self.rows.append(Row(trace.key, done.revision, why, *told))

    def _add(self, value: bytes) -> list[_Trace]:
        touched: dict[bytes, _Trace] = {}
        for run in runs(value):
            trace = touched[run.key] = self._trace(run.key)
            for span in run.spans:
                trace.spans.setdefault(span.span_id, fact_of(span))
                trace.rooted = trace.rooted or not span.parent_span_id
            trace.count, trace.span_bytes = trace.count + len(run.spans), trace.span_bytes + run.span_bytes
            trace.memory_bytes += run.memory_bytes
        return list(touched.values())

    def _trace(self, key: bytes) -> _Trace:
        assert self._now is not None
        trace = self._open.get(key)
        if trace is None:
            before = self._done.get(key)
            if before and before.closed_at + self.limits.memory_horizon_ms < self._now:
                before = None
            opened_at, rooted = (before.opened_at, before.rooted) if before else (self._now, False)
            offset = self.next_offset - 1
            trace = self._open[key] = _Trace(key, opened_at, self._now, self._now, offset, before, rooted)
            trace.memory_bytes = OPEN_BYTES + RECORD_BYTES * (before.records if before else 0)
        trace.last_at = self._now
        trace.records.add(self.next_offset - 1)
        return trace

    def _close_large(self, touched: list[_Trace]) -> None:
        assert self._now is not None
        for trace in touched:
            if trace.count >= self.limits.max_spans:
                self._close(trace, "max_spans", self._now)
            elif trace.span_bytes >= self.limits.max_trace_bytes:
                self._close(trace, "max_bytes", self._now)
        while sum(trace.memory_bytes for trace in self._open.values()) > self.limits.partition_bytes:
            oldest = min(self._open.values(), key=lambda trace: (trace.opened_with, trace.key))
            self._close(oldest, "memory", self._now)


def _followed(before: Verdict | None, now: Verdict) -> Verdict:
    """A verdict only moves towards kept, or a higher probability; what was dropped and is kept now says so."""
    if before is not None and now.keep and not before.keep:
        return now._replace(policy=f"promoted:{now.policy}")
    if before is None or (now.keep, now.probability) > (before.keep, before.probability):
        return now
    return before
