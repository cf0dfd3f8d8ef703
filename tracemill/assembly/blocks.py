"""What does `decisions.v1` say? One Arrow block a flush and partition: what was decided and what was carried.

A row is written once for each closing (`decided`) and for each time the records of an open trace are listed
(`carried`), in the order of the log. A reader of the whole topic knows every acknowledged span's outcome, and a
worker that takes a partition over knows what it must remember.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa

from tracemill import topics
from tracemill.assembly.trace import Anchor
from tracemill.schema import ROUTE_P95

DECIDED: Final = "decided"
CARRIED: Final = "carried"

SCHEMA: Final = pa.schema(
    [
        ("row", pa.string()),
        ("tenant", pa.string()),
        ("trace_id", pa.binary(16)),
        ("revision", pa.int32()),
        ("opened_at", pa.int64()),
        ("first_at", pa.int64()),
        ("at", pa.int64()),
        ("cause", pa.int64()),
        ("closed_by", pa.string()),
        ("rooted", pa.bool_()),
        ("keep", pa.bool_()),
        ("policy", pa.string()),
        ("rules", pa.string()),
        ("probability", pa.float64()),
        ("adjusted_count", pa.float64()),
        ("records", pa.list_(pa.int64())),
        ("times", pa.list_(pa.int64())),
        ("sizes", pa.list_(pa.int32())),
        ("first_through", pa.int64()),
        ("spans", pa.int64()),
        ("span_bytes", pa.int64()),
        ("span_ids", pa.list_(pa.uint64())),
        ("promoted", pa.string()),
        ("route", pa.string()),
        ("duration_ms", pa.float64()),
        (ROUTE_P95, pa.float64()),
    ]
)
"""Times are log time in milliseconds; `at` is when the row came to be, `cause` the offset of the record that caused it.

`records` are the offsets of the records that the trace's spans came in: of a decided trace all, or the latest of one
that is too large to be computed again, of a carried one those not listed before. `times` and `sizes` are the log times
of the records new in this row, and the memory that the trace took for each. `first_through` is the last record of
revision 1, `spans` and `span_bytes` are all that a decided trace has had. `promoted` is why a carried trace is to be
kept, if it was asked for.
`route` and `duration_ms` are a decided trace's, `route_p95_ms` what its duration was compared with, if a rule did.
"""

LARGE_BYTES: Final = topics.RECORD_BYTES // 2
"""A larger block is compressed: one row can have so much, of a trace whose spans came in many records."""
_COMPRESSED: Final = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1))
_NEVER_NULL: Final = tuple(name for name in SCHEMA.names if name != ROUTE_P95)
_ANCHOR: Final = b"anchor"
_TAKEOVER: Final = b"takeover"
_ANCHORS: Final = msgspec.json.Decoder(Anchor)


class Block(NamedTuple):
    """A record of `decisions.v1`: its rows, where reading can begin again, and whether it only marks a takeover."""

    rows: Any
    anchor: Anchor
    takeover: bool


def write(table: Any, anchor: Anchor) -> bytes:
    """A block: rows of `SCHEMA` (maybe none) as an Arrow IPC stream, and the state at which reading can begin again."""
    return _stream(table, {_ANCHOR: msgspec.json.encode(anchor)})


def takeover(anchor: Anchor) -> bytes:
    """A block without rows that says: a worker has begun to read at `anchor`.

    Where several of them follow each other, something there ends the workers.
    """
    return _stream(SCHEMA.empty_table(), {_ANCHOR: msgspec.json.encode(anchor), _TAKEOVER: b"1"})


def _stream(table: Any, metadata: dict[bytes, bytes]) -> bytes:
    sink = pa.BufferOutputStream()
    options = _COMPRESSED if table.nbytes > LARGE_BYTES else None
    with pa.ipc.new_stream(sink, SCHEMA.with_metadata(metadata), options=options) as writer:
        writer.write_table(table.replace_schema_metadata(metadata))
    return sink.getvalue().to_pybytes()


def read(value: bytes) -> Block:
    """What a record of `decisions.v1` says.

    Raises:
        ValueError: it is no block of this release.
    """
    try:
        table = pa.ipc.open_stream(value).read_all()
        table.validate(full=True)
        anchor = _ANCHORS.decode(table.schema.metadata[_ANCHOR])
    except (pa.ArrowException, msgspec.MsgspecError, OSError, TypeError, KeyError, ValueError) as error:
        raise ValueError(f"not a block of decisions: {error}") from error
    if not table.schema.equals(SCHEMA) or any(table[name].null_count for name in _NEVER_NULL):
        raise ValueError(f"not a block of decisions: columns {table.schema.names}, or one of them null")
    return Block(table.combine_chunks(), anchor, _TAKEOVER in table.schema.metadata)


def keys_of(table: Any) -> list[bytes]:
    """The assembler's key of each row: the trace id, then the tenant's name."""
    ids: Sequence[bytes] = table.column("trace_id").to_pylist()
    tenants: Sequence[str] = table.column("tenant").to_pylist()
    return [trace_id + tenant.encode() for trace_id, tenant in zip(ids, tenants, strict=True)]
