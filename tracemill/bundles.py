"""What is in a record of `otlp.v1`, and where, so that nobody has to parse it again?

A bundle's value is an OTLP `TracesData` message of many traces and tenants. Its header `index` says where the pieces
lie: groups (one resource, one scope, one tenant) and, in them, chunks (the spans of one trace, side by side, each
with its protobuf tag and length, as they stand in `ScopeSpans`). A reader that wants a trace's spans takes slices;
the chunks of any traces, joined, are a valid `ScopeSpans` message.

    index  := version:u8 group*
    group  := resource_start:u32 resource_end:u32 tenant_start:u32 tenant_end:u32
              scope_start:u32 scope_end:u32 chunk_count:u32 chunk*
    chunk  := trace_id:16 bytes start:u32 end:u32 spans:u32      (all little-endian, offsets into the value)

`spans` holds the number of spans times two, plus one if a root span (no parent) is among them. `resource` and
`scope` are the message's bytes without tag and length; `tenant` is the name, in UTF-8 (whoever takes the spans checks
that, once a sender: here it would cost a slice a group).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

INDEX_VERSION: Final = 1
TENANT_ATTRIBUTE: Final = "tracemill.tenant"

_GROUP: Final = Struct("<7I")
_CHUNK: Final = Struct("<16s3I")


class BundleError(ValueError):
    """A record that says it is a bundle and isn't one; the text says what is wrong with it."""


class Chunk(NamedTuple):
    """The spans of one trace that lie side by side in a bundle."""

    trace_id: bytes
    start: int
    end: int
    spans_and_root: int


@dataclass(frozen=True, slots=True)
class Group:
    """Where one resource, scope and tenant lie in a bundle's value, and the chunks that belong to them."""

    resource: tuple[int, int]
    tenant: tuple[int, int]
    scope: tuple[int, int]
    chunks: tuple[tuple[bytes, int, int, int], ...]


def pack_group(group: Group, base: int = 0) -> bytes:
    """A group as it stands in the index of a bundle in whose value it begins at byte `base`."""
    (resource, resource_end), (tenant, tenant_end), (scope, scope_end) = group.resource, group.tenant, group.scope
    spots = (resource, resource_end, tenant, tenant_end, scope, scope_end)
    packed = [_GROUP.pack(*[base + spot for spot in spots], len(group.chunks))]
    packed += [_CHUNK.pack(trace, base + start, base + end, spans) for trace, start, end, spans in group.chunks]
    return b"".join(packed)


def pack_index(groups: Iterable[Group]) -> bytes:
    """The header `index` of a bundle that holds `groups`."""
    return join_index(pack_group(group) for group in groups)


def join_index(packed: Iterable[bytes]) -> bytes:
    """The header `index` of a bundle whose groups are packed already."""
    return b"".join((bytes((INDEX_VERSION,)), *packed))


def read_index(index: bytes, size: int) -> Iterator[Group]:
    """The groups of a bundle whose value has `size` bytes.

    Raises:
        BundleError: the index is of another version, cut short, or has a part that ends outside the value or before it
            begins.
    """
    if not index or index[0] != INDEX_VERSION:
        raise BundleError(f"index version {index[0] if index else 'missing'}, this release reads {INDEX_VERSION}")
    position, end = 1, len(index)
    view = memoryview(index)
    while position < end:
        if end - position < _GROUP.size:
            raise BundleError("index cut short in a group")
        *spots, count = _GROUP.unpack_from(index, position)
        position += _GROUP.size
        stop = position + count * _CHUNK.size
        if stop > end:
            raise BundleError("index cut short in a group's chunks")
        chunks = tuple(_CHUNK.iter_unpack(view[position:stop]))
        position = stop
        group = Group((spots[0], spots[1]), (spots[2], spots[3]), (spots[4], spots[5]), chunks)
        _check(group, size)
        yield group


def _check(group: Group, size: int) -> None:
    for start, end in (group.resource, group.tenant, group.scope):
        if not start <= end <= size:
            raise _outside(start, end, size)
    for _, start, end, _ in group.chunks:
        if not start <= end <= size:
            raise _outside(start, end, size)


def _outside(start: int, end: int, size: int) -> BundleError:
    return BundleError(f"index of a part from byte {start} to {end} of a value of {size}")
