"""What has to come out of a partition's log? Told span by span with protobuf's own parser, slowly and plainly.

Shares no code with the pipeline: it reads values as `TracesData`, never the index, and scans everything it holds at
every record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from loadtest.reader.closed import Closed, OpenTrace
from loadtest.reader.decisions import Decided, Row, decide
from loadtest.reader.facts import Fact, Judge, Verdict, fact_of, keep_everything
from loadtest.reader.memory import OPEN_BYTES, RECORD_BYTES, RUN_BYTES, runs
from tracemill.config import Assembly

PARTS: Final = 20
"""A trace that was decided waits a quiet period for each of so many parts of what closes one."""

Record = tuple[int, bytes]
"""Append time in milliseconds, and value; an empty value is a tick."""

Chunk = tuple[bytes, int]
"""A span that nobody can decode: its trace's key, and how many bytes it has."""


class Reader:
    """Reads a log: `decided` is what was closed, in order, and how it is decided; `log_times` has one a record."""

    def __init__(self, limits: Assembly) -> None:
        self.limits = limits
        self.decided: list[Decided] = []
        self.log_times: list[int] = []
        self._judge: Judge = keep_everything
        self._open: dict[bytes, OpenTrace] = {}
        self._done: dict[bytes, Decided] = {}
        self._append = 0

    def read(self, records: Iterable[Record]) -> list[Row]:
        """Read a whole log without control records; its revisions."""
        for append_ms, value in records:
            self.record(append_ms, value)
        return self.rows

    def record(
        self, append_ms: int, value: bytes = b"", broken: Sequence[Chunk] = (), judge: Judge | None = None
    ) -> None:
        """The next record: spans, some of which can't be decoded; or rules, by which `judge` decides; or only time."""
        step = max(0, append_ms - self._append)
        self.log_times.append(self._now + step if self.log_times else append_ms)
        self._append = append_ms
        self._close_due()
        self._close_large(self._add(value, broken))
        self._judge = judge or self._judge

    @property
    def rows(self) -> list[Row]:
        """The revisions, in order: what brings nothing new, or can't be decoded, makes none."""
        return [one.row for one in self.decided if one.fresh]

    @property
    def verdicts(self) -> list[Verdict]:
        """How they are decided, row by row."""
        return [one.verdict for one in self.decided if one.fresh]

    @property
    def next_offset(self) -> int:
        """How many records were read."""
        return len(self.log_times)

    @property
    def open(self) -> Iterable[OpenTrace]:
        """What hasn't closed."""
        return self._open.values()

    @property
    def open_traces(self) -> list[bytes]:
        """Its keys."""
        return list(self._open)

    @property
    def beyond(self) -> frozenset[bytes]:
        """The keys of traces that have become too large: their last row doesn't tell of all their spans."""
        return frozenset(key for key, done in self._done.items() if done.closed.beyond)

    def spans(self) -> dict[bytes, dict[bytes, Fact]]:
        """Of each trace that was closed, all spans with which it was."""
        return {key: done.closed.spans for key, done in self._done.items()}

    @property
    def _now(self) -> int:
        return self.log_times[-1]

    def _due(self, trace: OpenTrace) -> tuple[int, str]:
        if trace.rooted or trace.before:
            wait, why = self._quiet_ms(trace.before), "complete" if trace.rooted else "idle"
        else:
            wait, why = self.limits.max_idle_ms, "idle"
        idle, age = trace.last_at + wait, trace.first_at + self.limits.max_age_ms
        return (idle, why) if idle <= age else (age, "max_age")

    def _quiet_ms(self, before: Closed | None) -> int:
        """The larger a trace, the longer it waits to be worked out again."""
        quiet = self.limits.quiet_period_ms
        if before is None or before.beyond:
            return quiet
        of_spans = PARTS * before.count // self.limits.max_spans
        of_bytes = PARTS * before.span_bytes // self.limits.max_trace_bytes
        return max(quiet, min(quiet * max(of_spans, of_bytes), self.limits.max_age_ms))

    def _close_due(self) -> None:
        due = [(self._due(trace), trace) for trace in self._open.values()]
        for (at, why), trace in sorted(due, key=lambda item: (item[0][0], item[1].key)):
            if at <= self._now:
                self._close(trace, why, at)

    def _close(self, trace: OpenTrace, why: str, at: int) -> None:
        del self._open[trace.key]
        closed = self._closed(trace, why, at)
        before = self._done[trace.key] if trace.before else None
        self._done[trace.key] = decide(closed, before, self.limits.memory_horizon_ms)
        self.decided.append(self._done[trace.key])

    def _closed(self, trace: OpenTrace, why: str, at: int) -> Closed:
        before, limits = trace.before, self.limits
        count = max(trace.count, len(trace.records)) + (before.count if before else 0)
        span_bytes = trace.span_bytes + (before.span_bytes if before else 0)
        beyond = count > 2 * limits.max_spans or span_bytes > 2 * limits.max_trace_bytes
        earlier = None if beyond else before
        return Closed(
            key=trace.key,
            opened_at=trace.opened_at,
            first_at=trace.first_at,
            at=at,
            cause=self.next_offset - 1,
            closed_by=why,
            late=before is not None,
            rooted=trace.rooted,
            opened_with=before.opened_with if before else trace.records[0],
            records=trace.records,
            spans=trace.spans,
            known=len(before.spans) if before else 0,
            ended_ns=trace.ended_ns,
            judge=self._judge,
            broken=trace.broken or (earlier is not None and earlier.broken),
            own=frozenset(trace.own),
            count=count,
            span_bytes=span_bytes,
            all_records=len(trace.records) + (earlier.all_records if earlier else 0),
            beyond=beyond,
        )

    def _add(self, value: bytes, broken: Sequence[Chunk]) -> list[OpenTrace]:
        touched: dict[bytes, OpenTrace] = {}
        for run in runs(value):
            trace = touched[run.key] = self._take(run.key, len(run.spans), run.span_bytes, run.memory_bytes)
            for span in run.spans:
                trace.spans.setdefault(span.span_id, fact_of(span))
                trace.own.add(span.span_id)
                trace.ended_ns = max(trace.ended_ns, span.end_time_unix_nano)
                trace.rooted = trace.rooted or not span.parent_span_id
        for key, size in broken:
            touched[key] = self._take(key, 1, size, size + RUN_BYTES)
            touched[key].broken = True
        return list(touched.values())

    def _take(self, key: bytes, count: int, span_bytes: int, memory_bytes: int) -> OpenTrace:
        """The trace for which so many spans came."""
        trace = self._open.get(key) or self._begin(key)
        trace.last_at = self._now
        trace.count, trace.span_bytes = trace.count + count, trace.span_bytes + span_bytes
        trace.memory_bytes += memory_bytes
        if self.next_offset - 1 not in trace.records[-1:]:
            trace.records.append(self.next_offset - 1)
        return trace

    def _begin(self, key: bytes) -> OpenTrace:
        """A trace that is new, or forgotten, or that goes on."""
        before = self._done[key].closed if key in self._done else None
        if before is None or before.at + self.limits.memory_horizon_ms < self._now:
            trace = OpenTrace(key, self._now, self._now, self._now, None, {}, rooted=False)
        else:
            spans = dict(before.spans)
            trace = OpenTrace(key, before.opened_at, self._now, self._now, before, spans, before.rooted)
            trace.ended_ns = before.ended_ns
        trace.memory_bytes = OPEN_BYTES + RECORD_BYTES * (trace.before.all_records if trace.before else 0)
        self._open[key] = trace
        return trace

    def _close_large(self, touched: Sequence[OpenTrace]) -> None:
        for trace in touched:
            if trace.count >= self.limits.max_spans:
                self._close(trace, "max_spans", self._now)
            elif trace.span_bytes >= self.limits.max_trace_bytes:
                self._close(trace, "max_bytes", self._now)
        while sum(trace.memory_bytes for trace in self._open.values()) > self.limits.partition_bytes:
            oldest = min(self._open.values(), key=lambda trace: (trace.records[0], trace.key))
            self._close(oldest, "memory", self._now)
