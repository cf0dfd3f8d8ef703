"""What has to come out of a partition's log? Told span by span with protobuf's own parser, slowly and plainly.

Shares no code with the assembler: it reads values as `TracesData`, never the index, and scans everything it holds
at every record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from loadtest.reader.assembly import PARTS
from loadtest.reader.memory import OPEN_BYTES, RECORD_BYTES, RUN_BYTES, runs
from tracemill.config import Assembly

Record = tuple[int, bytes]
"""Append time in milliseconds, and value; an empty value is a tick."""

Row = tuple[bytes, int, str, int, int, int, bool, frozenset[bytes]]
"""Key, revision, closed_by, closed at, cause, opened at, complete, ids of all spans so far."""

Chunk = tuple[bytes, int]
"""A span that nobody can decode: its trace's key, and how many bytes it has."""


@dataclass
class Closed:
    """A trace that was closed: with all `spans` that came so far, of which it had `known` when it was closed before.

    `records` and `first_at` are of those that are new, `opened_with` is the first record of all. `rules` is the hash
    of the rule set that held, `broken` says that some of it can't be decoded. `count` spans (a record has one at least)
    of `span_bytes` ever came for it; one that is `beyond` has too many, then the others are the latest only.
    """

    key: bytes
    opened_at: int
    first_at: int
    at: int
    cause: int
    closed_by: str
    late: bool
    rooted: bool
    opened_with: int
    records: list[int]
    spans: list[Span]
    known: int
    rules: str
    broken: bool
    count: int = 0
    span_bytes: int = 0
    all_records: int = 0
    beyond: bool = False

    @property
    def ids(self) -> frozenset[bytes]:
        """Of all spans so far."""
        return frozenset(span.span_id for span in self.spans)

    @property
    def fresh(self) -> frozenset[bytes]:
        """Ids of the spans that it didn't have before."""
        return self.ids - {span.span_id for span in self.spans[: self.known]}


@dataclass
class OpenTrace:
    """A trace that something may still come for."""

    key: bytes
    opened_at: int
    first_at: int
    last_at: int
    before: Closed | None
    rooted: bool
    memory_bytes: int = 0
    span_bytes: int = 0
    count: int = 0
    broken: bool = False
    records: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


class Reader:
    """Reads a log: `closed` is what was closed, in order, and `open` what isn't yet."""

    def __init__(self, limits: Assembly) -> None:
        self.limits = limits
        self.closed: list[Closed] = []
        self.log_times: list[int] = []
        self._open: dict[bytes, OpenTrace] = {}
        self._done: dict[bytes, Closed] = {}
        self._append = 0
        self._rules = ""

    @property
    def open(self) -> Iterable[OpenTrace]:
        return self._open.values()

    def read(self, records: Iterable[Record]) -> list[Row]:
        """The new revisions that a log of bundles and ticks makes."""
        for append_ms, value in records:
            self.record(append_ms, value)
        return self.rows()

    def record(
        self, append_ms: int, value: bytes = b"", broken: Sequence[Chunk] = (), rules: str | None = None
    ) -> None:
        """The next record: spans, some of which can't be decoded, or the hash of a rule set, or nothing but time."""
        offset = len(self.log_times)
        step = max(0, append_ms - self._append)
        self.log_times.append(self.log_times[-1] + step if self.log_times else append_ms)
        self._append = append_ms
        self._close_due(offset)
        touched = self._add(value, broken)
        self._close_large(touched, offset)
        self._rules = self._rules if rules is None else rules

    def rows(self) -> list[Row]:
        """The new revisions; what can't be decoded has none."""
        revisions: dict[tuple[bytes, int], int] = {}
        found: list[Row] = []
        for one in self.closed:
            mark = (one.key, one.opened_at)
            if one.broken or one.beyond or (one.late and not one.fresh):
                continue
            revision = revisions[mark] = revisions.get(mark, 0) + 1
            found.append((one.key, revision, one.closed_by, one.at, one.cause, one.opened_at, one.rooted, one.ids))
        return found

    @property
    def _now(self) -> int:
        return self.log_times[-1]

    def _due(self, trace: OpenTrace) -> tuple[int, str]:
        limits = self.limits
        if trace.rooted or trace.before:
            wait, why = self._quiet_ms(trace.before), "complete" if trace.rooted else "idle"
        else:
            wait, why = limits.max_idle_ms, "idle"
        idle, age = trace.last_at + wait, trace.first_at + limits.max_age_ms
        return (idle, why) if idle <= age else (age, "max_age")

    def _quiet_ms(self, before: Closed | None) -> int:
        """The larger a trace, the longer it waits to be worked out again."""
        quiet = self.limits.quiet_period_ms
        if before is None or before.beyond:
            return quiet
        of_spans = PARTS * before.count // self.limits.max_spans
        of_bytes = PARTS * before.span_bytes // self.limits.max_trace_bytes
        return max(quiet, min(quiet * max(of_spans, of_bytes), self.limits.max_age_ms))

    def _close_due(self, offset: int) -> None:
        due = [(self._due(trace), trace) for trace in self._open.values()]
        for (at, why), trace in sorted(due, key=lambda item: (item[0][0], item[1].key)):
            if at <= self._now:
                self._close(trace, why, at, offset)

    def _close(self, trace: OpenTrace, why: str, at: int, offset: int) -> None:
        del self._open[trace.key]
        before = trace.before
        count, span_bytes = max(trace.count, len(trace.records)), trace.span_bytes
        if before:
            count, span_bytes = count + before.count, span_bytes + before.span_bytes
        beyond = count > 2 * self.limits.max_spans or span_bytes > 2 * self.limits.max_trace_bytes
        earlier = before if not beyond else None
        self._done[trace.key] = Closed(
            key=trace.key,
            opened_at=trace.opened_at,
            first_at=trace.first_at,
            at=at,
            cause=offset,
            closed_by=why,
            late=before is not None,
            rooted=trace.rooted,
            opened_with=before.opened_with if before else trace.records[0],
            records=trace.records,
            spans=(earlier.spans if earlier else []) + trace.spans,
            known=len(earlier.spans) if earlier else 0,
            rules=self._rules,
            broken=trace.broken or (earlier is not None and earlier.broken),
            count=count,
            span_bytes=span_bytes,
            all_records=len(trace.records) + (earlier.all_records if earlier else 0),
            beyond=beyond,
        )
        self.closed.append(self._done[trace.key])

    def _add(self, value: bytes, broken: Sequence[Chunk]) -> list[OpenTrace]:
        touched: dict[bytes, OpenTrace] = {}
        for run in runs(value):
            trace = touched[run.key] = self._take(run.key, len(run.spans), run.span_bytes, run.memory_bytes)
            trace.spans += run.spans
            trace.rooted = trace.rooted or not all(span.parent_span_id for span in run.spans)
        for key, size in broken:
            touched[key] = self._take(key, 1, size, size + RUN_BYTES)
            touched[key].broken = True
        return list(touched.values())

    def _take(self, key: bytes, count: int, span_bytes: int, memory_bytes: int) -> OpenTrace:
        """The trace for which so many spans came."""
        trace = self._open.get(key)
        if trace is None:
            before = self._done.get(key)
            if before and before.at + self.limits.memory_horizon_ms < self._now:
                before = None
            opened_at, rooted = (before.opened_at, before.rooted) if before else (self._now, False)
            trace = self._open[key] = OpenTrace(key, opened_at, self._now, self._now, before, rooted)
            trace.memory_bytes = OPEN_BYTES + RECORD_BYTES * (before.all_records if before else 0)
        trace.last_at = self._now
        trace.count, trace.span_bytes = trace.count + count, trace.span_bytes + span_bytes
        trace.memory_bytes += memory_bytes
        offset = len(self.log_times) - 1
        if offset not in trace.records[-1:]:
            trace.records.append(offset)
        return trace

    def _close_large(self, touched: list[OpenTrace], offset: int) -> None:
        for trace in touched:
            if trace.count >= self.limits.max_spans:
                self._close(trace, "max_spans", self._now, offset)
            elif trace.span_bytes >= self.limits.max_trace_bytes:
                self._close(trace, "max_bytes", self._now, offset)
        while sum(trace.memory_bytes for trace in self._open.values()) > self.limits.partition_bytes:
            oldest = min(self._open.values(), key=lambda trace: (trace.records[0], trace.key))
            self._close(oldest, "memory", self._now, offset)
