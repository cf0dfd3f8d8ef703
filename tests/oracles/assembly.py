"""What has to come out of a partition's log? Told span by span with protobuf's own parser, slowly and plainly.

Shares no code with the assembler: it reads values as `TracesData`, never the index, and scans everything it holds
at every record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tracemill.config import Assembly

Record = tuple[int, bytes]
"""Append time in milliseconds, and value; an empty value is a tick."""

Row = tuple[bytes, int, str, int, int, int, bool, frozenset[bytes]]
"""Key, revision, closed_by, closed at, cause, opened at, complete, ids of all spans so far."""


@dataclass
class _Trace:
    key: bytes
    opened_at: int
    first_at: int
    last_at: int
    opened_with: int
    late: bool
    rooted: bool
    spans: int = 0
    size: int = 0
    ids: set[bytes] = field(default_factory=set)


@dataclass
class _Done:
    opened_at: int
    closed_at: int
    revision: int
    rooted: bool
    ids: frozenset[bytes]


class Reader:
    """Reads a log; `rows` is what has to be decided, in order."""

    def __init__(self, limits: Assembly) -> None:
        self.limits = limits
        self.rows: list[Row] = []
        self._open: dict[bytes, _Trace] = {}
        self._done: dict[bytes, _Done] = {}
        self._now: int | None = None
        self._append = 0
        self._offset = 0

    def read(self, records: Iterable[Record]) -> list[Row]:
        for offset, (append_ms, value) in enumerate(records):
            self._now = append_ms if self._now is None else self._now + max(0, append_ms - self._append)
            self._append, self._offset = append_ms, offset
            self._close_due(offset)
            touched = self._add(value)
            self._close_large(touched, offset)
        return self.rows

    def _due(self, trace: _Trace) -> tuple[int, str]:
        limits = self.limits
        if trace.rooted or trace.late:
            wait, why = limits.quiet_period_ms, "complete" if trace.rooted else "idle"
        else:
            wait, why = limits.max_idle_ms, "idle"
        idle, age = trace.last_at + wait, trace.first_at + limits.max_age_ms
        return (idle, why) if idle <= age else (age, "max_age")

    def _close_due(self, offset: int) -> None:
        assert self._now is not None
        due = [(self._due(trace), trace) for trace in self._open.values()]
        for (at, why), trace in sorted(due, key=lambda item: (item[0][0], item[1].key)):
            if at <= self._now:
                self._close(trace, why, at, offset)

    def _close(self, trace: _Trace, why: str, at: int, offset: int) -> None:
        del self._open[trace.key]
        before = self._done.get(trace.key) if trace.late else None
        known = before.ids if before else frozenset()
        ids = known | trace.ids
        revision = (before.revision if before else 0) + (1 if not before or ids != known else 0)
        if not before or ids != known:
            self.rows.append((trace.key, revision, why, at, offset, trace.opened_at, trace.rooted, ids))
        self._done[trace.key] = _Done(trace.opened_at, at, revision, trace.rooted, ids)

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
                    trace.ids.add(span.span_id)
                    trace.spans += 1
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
                key, opened_at, self._now, self._now, self._offset, before is not None, rooted
            )
        trace.last_at = self._now
        return trace

    def _close_large(self, touched: list[_Trace], offset: int) -> None:
        assert self._now is not None
        for trace in touched:
            if trace.spans >= self.limits.max_spans:
                self._close(trace, "max_spans", self._now, offset)
        while sum(trace.size for trace in self._open.values()) > self.limits.partition_bytes:
            oldest = min(self._open.values(), key=lambda trace: (trace.opened_with, trace.key))
            self._close(oldest, "memory", self._now, offset)
