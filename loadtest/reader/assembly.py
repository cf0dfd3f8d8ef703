"""What has to come out of a partition's log? Told span by span with protobuf's own parser, slowly and plainly.

Shares no code with the pipeline: it reads values as `TracesData`, never the index, and scans everything it holds at
every record. It knows nothing of stale spans: no log that it is given holds any.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from loadtest.reader.facts import Fact, Judge, Verdict, fact_of, keep_everything
from tracemill.config import Assembly

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
    late: bool
    rooted: bool
    count: int = 0
    size: int = 0
    spans: dict[bytes, Fact] = field(default_factory=dict)


@dataclass
class _Done:
    opened_at: int
    closed_at: int
    revision: int
    rooted: bool
    spans: dict[bytes, Fact]
    verdict: Verdict


class Reader:
    """Reads a log; `rows` is what has to be decided, in order, and `verdicts` how, row by row."""

    def __init__(self, limits: Assembly) -> None:
        self.limits = limits
        self.rows: list[Row] = []
        self.verdicts: list[Verdict] = []
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
        limits = self.limits
        if trace.rooted or trace.late:
            wait, why = limits.quiet_period_ms, "complete" if trace.rooted else "idle"
        else:
            wait, why = limits.max_idle_ms, "idle"
        idle, age = trace.last_at + wait, trace.first_at + limits.max_age_ms
        return (idle, why) if idle <= age else (age, "max_age")

    def _close_due(self) -> None:
        assert self._now is not None
        due = [(self._due(trace), trace) for trace in self._open.values()]
        for (at, why), trace in sorted(due, key=lambda item: (item[0][0], item[1].key)):
            if at <= self._now:
                self._close(trace, why, at)

    def _close(self, trace: _Trace, why: str, at: int) -> None:
        del self._open[trace.key]
        before = self._done.get(trace.key) if trace.late else None
        known = before.spans if before else {}
        spans = {**trace.spans, **known}
        revision, verdict = (before.revision, before.verdict) if before else (0, None)
        if verdict is None or spans.keys() != known.keys():
            revision += 1
            verdict = _followed(verdict, self._judge(trace.key[:16], spans))
            self.verdicts.append(verdict)
            self.rows.append(
                Row(trace.key, revision, why, at, self.next_offset - 1, trace.opened_at, trace.rooted, frozenset(spans))
            )
        self._done[trace.key] = _Done(trace.opened_at, at, revision, trace.rooted, spans, verdict)

    def _add(self, value: bytes) -> list[_Trace]:
        touched: dict[bytes, _Trace] = {}
        sizes: dict[bytes, int] = {}
        for group in TracesData.FromString(value).resource_spans:
            tenant = next(
                pair.value.string_value
                for pair in reversed(group.resource.attributes)
                if pair.key == "tracemill.tenant"
            )
            for scope in group.scope_spans:
                for span in scope.spans:
                    key = span.trace_id + tenant.encode()
                    trace = touched[key] = self._trace(key)
                    trace.spans.setdefault(span.span_id, fact_of(span))
                    trace.count += 1
                    trace.rooted = trace.rooted or not span.parent_span_id
                    size = span.ByteSize()
                    sizes[key] = sizes.get(key, 0) + size + 1 + (1 if size < 128 else 2 if size < 16384 else 3)
        for key, trace in touched.items():
            trace.size += sizes[key]
        return list(touched.values())

    def _trace(self, key: bytes) -> _Trace:
        assert self._now is not None
        trace = self._open.get(key)
        if trace is None:
            before = self._done.get(key)
            if before and before.closed_at + self.limits.memory_horizon_ms < self._now:
                before = None
            opened_at = before.opened_at if before else self._now
            rooted = before.rooted if before else False
            trace = self._open[key] = _Trace(
                key, opened_at, self._now, self._now, self.next_offset - 1, before is not None, rooted
            )
        trace.last_at = self._now
        return trace

    def _close_large(self, touched: list[_Trace]) -> None:
        assert self._now is not None
        for trace in touched:
            if trace.count >= self.limits.max_spans:
                self._close(trace, "max_spans", self._now)
        while sum(trace.size for trace in self._open.values()) > self.limits.partition_bytes:
            oldest = min(self._open.values(), key=lambda trace: (trace.opened_with, trace.key))
            self._close(oldest, "memory", self._now)


def _followed(before: Verdict | None, now: Verdict) -> Verdict:
    """A verdict only moves towards kept, or a higher probability; what was dropped and is kept now says so."""
    if before is not None and now.keep and not before.keep:
        return now._replace(policy=f"promoted:{now.policy}")
    if before is None or (now.keep, now.probability) > (before.keep, before.probability):
        return now
    return before
