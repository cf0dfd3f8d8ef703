"""Which bytes of a checked request go to which partition? Groups, cut by trace, stamped with the tenant.

A group is a `ResourceSpans` message: the resource as it came, a second resource with nothing but the tenant (the two
merge, and the last word is ours), one scope, and spans, those of one trace side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from tracemill.bundles import TENANT_ATTRIBUTE, Group
from tracemill.errors import Reason, TooLarge
from tracemill.otlp.check import Batch
from tracemill.otlp.wire import field, span_head, varint
from tracemill.topics import partition_of

_NO_SPAN: Final = bytes(8)


@dataclass(frozen=True, slots=True)
class Piece:
    """A group for one partition: its bytes, to be joined, and where its parts lie in them."""

    partition: int
    parts: list[bytes]
    size: int
    group: Group


class _Chunk(NamedTuple):
    """The spans of one trace: each with tag and length, the same joined, and whether a root is among them."""

    trace_id: bytes
    parts: list[bytes]
    data: bytes
    root: bool


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands in a group besides spans: framed fields, and the sizes of what the index points to."""

    before: bytes
    """Resource and stamp."""
    scope: bytes
    scope_schema: bytes
    resource_schema: bytes
    resource_bytes: int
    stamp_bytes: int
    tenant_bytes: int
    scope_bytes: int

    @property
    def size(self) -> int:
        return len(self.before) + len(self.scope) + len(self.scope_schema) + len(self.resource_schema)


def split(batches: Iterable[Batch], tenant: str, partitions: int, piece_bytes: int, repeated_bytes: int) -> list[Piece]:
    """Cut checked spans by partition and trace.

    Args:
        batches: what was accepted.
        tenant: whose it is.
        partitions: how many there are.
        piece_bytes: a piece is not larger, unless a single span makes it so.
        repeated_bytes: what resources and scopes may take in all pieces together.

    Raises:
        TooLarge: resources and scopes, repeated in each partition, take more than `repeated_bytes`.
    """
    name = tenant.encode()
    pieces: list[Piece] = []
    for batch in batches:
        head = _head(batch, name)
        for partition, chunks in _by_partition(batch, partitions).items():
            for run in _runs(chunks, piece_bytes - head.size):
                repeated_bytes -= head.size
                if repeated_bytes < 0:
                    raise TooLarge(
                        Reason.REQUEST_TOO_LARGE,
                        "resource_spans: resources and scopes are too large to be repeated for each partition; "
                        "send fewer scopes a request or smaller resources",
                    )
                pieces.append(_piece(partition, head, run))
    return pieces


def _head(batch: Batch, tenant: bytes) -> _Head:
    stamp = field(1, field(1, field(1, TENANT_ATTRIBUTE.encode()) + field(2, field(1, tenant))))
    return _Head(
        before=field(1, batch.resource) + stamp,
        scope=field(1, batch.scope),
        scope_schema=field(3, batch.scope_schema) if batch.scope_schema else b"",
        resource_schema=field(3, batch.resource_schema) if batch.resource_schema else b"",
        resource_bytes=len(batch.resource),
        stamp_bytes=len(stamp),
        tenant_bytes=len(tenant),
        scope_bytes=len(batch.scope),
    )


def _by_partition(batch: Batch, partitions: int) -> dict[int, list[_Chunk]]:
    """The traces of a batch in order of first appearance, by partition."""
    result: dict[int, list[_Chunk]] = {}
    roots = _roots(batch)
    join = b"".join
    for trace_id, parts in _by_trace(batch).items():
        partition = partition_of(trace_id, partitions)
        if partition not in result:
            result[partition] = []
        result[partition].append(_Chunk(trace_id, parts, join(parts), trace_id in roots))
    return result


def _by_trace(batch: Batch) -> dict[bytes, list[bytes]]:
    traces: dict[bytes, list[bytes]] = {}
    find = traces.get
    for trace_id, span in zip(batch.ids.traces, batch.spans, strict=True):
        parts = find(trace_id)
        if parts is None:
            traces[trace_id] = [span_head(len(span)), span]
        else:
            parts.append(span_head(len(span)))
            parts.append(span)
    return traces


def _roots(batch: Batch) -> set[bytes]:
    parents = batch.ids.parents
    if b"" not in parents and _NO_SPAN not in parents:
        return set()
    pairs = zip(batch.ids.traces, parents, strict=True)
    return {trace_id for trace_id, parent in pairs if not parent or parent == _NO_SPAN}


def _runs(chunks: list[_Chunk], room: int) -> Iterator[list[_Chunk]]:
    """Chunks that go into one piece: all of them, or as many as there is room for, at least one span."""
    if sum([len(chunk.data) for chunk in chunks]) <= room:
        yield chunks
        return
    run: list[_Chunk] = []
    left = room
    for chunk in chain.from_iterable(_cut(chunk, room) for chunk in chunks):
        if run and len(chunk.data) > left:
            yield run
            run, left = [], room
        run.append(chunk)
        left -= len(chunk.data)
    yield run


def _cut(chunk: _Chunk, room: int) -> Iterator[_Chunk]:
    """A trace's spans as chunks that have room in a piece; each says that it has a root if the trace has."""
    if len(chunk.data) <= room:
        yield chunk
        return
    start, size = 0, 0
    for at in range(0, len(chunk.parts), 2):
        more = len(chunk.parts[at]) + len(chunk.parts[at + 1])
        if at > start and size + more > room:
            yield _part(chunk, start, at)
            start, size = at, 0
        size += more
    yield _part(chunk, start, len(chunk.parts))


def _part(chunk: _Chunk, start: int, end: int) -> _Chunk:
    parts = chunk.parts[start:end]
    return _Chunk(chunk.trace_id, parts, b"".join(parts), chunk.root)


def _piece(partition: int, head: _Head, chunks: list[_Chunk]) -> Piece:
    data = [chunk.data for chunk in chunks]
    inside = len(head.scope) + sum(map(len, data)) + len(head.scope_schema)
    inner = varint(inside)
    outer = varint(len(head.before) + 1 + len(inner) + inside + len(head.resource_schema))
    parts = [b"\x0a", outer, head.before, b"\x12", inner, head.scope, *data, head.scope_schema, head.resource_schema]
    stamp_end = 1 + len(outer) + len(head.before)
    resource_end = stamp_end - head.stamp_bytes
    start = scope_end = stamp_end + 1 + len(inner) + len(head.scope)
    placed = []
    for trace_id, spans, joined, root in chunks:
        end = start + len(joined)
        placed.append((trace_id, start, end, len(spans) | root))
        start = end
    group = Group(
        (resource_end - head.resource_bytes, resource_end),
        (stamp_end - head.tenant_bytes, stamp_end),
        (scope_end - head.scope_bytes, scope_end),
        tuple(placed),
    )
    return Piece(partition, parts, start + len(head.scope_schema) + len(head.resource_schema), group)
