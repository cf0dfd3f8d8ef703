"""What has to come out of a partition's log? Told span by span with protobuf's own parser, slowly and plainly.

Shares no code with the assembler: it reads values as `TracesData`, never the index, and scans everything it holds
at every record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

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
    of the rule set that held, `broken` says that some of it can't be decoded.
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
    size: int = 0
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
            if one.broken or (one.late and not one.fresh):
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
            wait, why = limits.quiet_period_ms, "complete" if trace.rooted else "idle"
        else:
            wait, why = limits.max_idle_ms, "idle"
        idle, age = trace.last_at + wait, trace.first_at + limits.max_age_ms
        return (idle, why) if idle <= age else (age, "max_age")

    def _close_due(self, offset: int) -> None:
        due = [(self._due(trace), trace) for trace in self._open.values()]
        for (at, why), trace in sorted(due, key=lambda item: (item[0][0], item[1].key)):
            if at <= self._now:
                self._close(trace, why, at, offset)

    def _close(self, trace: OpenTrace, why: str, at: int, offset: int) -> None:
        del self._open[trace.key]
        earlier = trace.before.spans if trace.before else []
        self._done[trace.key] = Closed(
            key=trace.key,
            opened_at=trace.opened_at,
            first_at=trace.first_at,
            at=at,
            cause=offset,
            closed_by=why,
            late=trace.before is not None,
            rooted=trace.rooted,
            opened_with=trace.before.opened_with if trace.before else trace.records[0],
            records=trace.records,
            spans=earlier + trace.spans,
            known=len(earlier),
            rules=self._rules,
            broken=trace.broken,
        )
        self.closed.append(self._done[trace.key])

    def _add(self, value: bytes, broken: Sequence[Chunk]) -> list[OpenTrace]:
        touched: dict[bytes, OpenTrace] = {}
        for group in TracesData.FromString(value).resource_spans:
            tenant = next(
                pair.value.string_value
                for pair in reversed(group.resource.attributes)
                if pair.key == "tracemill.tenant"
            )
            for scope in group.scope_spans:
                for span in scope.spans:
                    key, size = span.trace_id + tenant.encode(), span.ByteSize()
                    trace = touched[key] = self._take(key, size + 1 + (1 if size < 128 else 2 if size < 16384 else 3))
                    trace.spans.append(span)
                    trace.rooted = trace.rooted or not span.parent_span_id
        for key, size in broken:
            touched[key] = self._take(key, size)
            touched[key].broken = True
        return list(touched.values())

    def _take(self, key: bytes, size: int) -> OpenTrace:
        """The trace for which a span of so many bytes came."""
        trace = self._open.get(key)
        if trace is None:
            before = self._done.get(key)
            if before and before.at + self.limits.memory_horizon_ms < self._now:
                before = None
            opened_at = before.opened_at if before else self._now
            rooted, broken = (before.rooted, before.broken) if before else (False, False)
            trace = self._open[key] = OpenTrace(key, opened_at, self._now, self._now, before, rooted, broken=broken)
        trace.last_at = self._now
        trace.size, trace.count = trace.size + size, trace.count + 1
        offset = len(self.log_times) - 1
        if offset not in trace.records[-1:]:
            trace.records.append(offset)
        return trace

    def _close_large(self, touched: list[OpenTrace], offset: int) -> None:
        for trace in touched:
            if trace.count >= self.limits.max_spans:
                self._close(trace, "max_spans", self._now, offset)
        while sum(trace.size for trace in self._open.values()) > self.limits.partition_bytes:
            oldest = min(self._open.values(), key=lambda trace: (trace.records[0], trace.key))
            self._close(oldest, "memory", self._now, offset)
