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
import pyarrow.compute as pc

from tracemill import topics
from tracemill.assembly.trace import Anchor, ClosedBy
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
_MORE: Final = b"more"
_TAKEOVER: Final = b"takeover"
_AGAIN: Final = b"again"
_ANCHORS: Final = msgspec.json.Decoder(Anchor)


class Block(NamedTuple):
    """A record of `decisions.v1`: its rows, and where reading can begin again, unless there are `more` of its flush.

    A `takeover` has no rows and marks that a worker has begun to read at the anchor. With `again` it does so because
    the block at that offset can't be read.
    """

    rows: Any
    anchor: Anchor
    more: bool
    takeover: bool
    again: int | None


def write(table: Any, anchor: Anchor, more: bool = False) -> bytes:
    """A block: rows of `SCHEMA` (maybe none) as an Arrow IPC stream, and the state at which reading can begin again."""
    return _stream(table, anchor, {_MORE: b"1"} if more else {})


def takeover(anchor: Anchor, again: int | None = None) -> bytes:
    """A block without rows that says: a worker has begun to read at `anchor`.

    Where several of them follow each other, something there ends the workers.
    """
    return _stream(SCHEMA.empty_table(), anchor, {_TAKEOVER: b"1"} | ({} if again is None else {_AGAIN: b"%d" % again}))


def _stream(table: Any, anchor: Anchor, marks: dict[bytes, bytes]) -> bytes:
    metadata = {_ANCHOR: msgspec.json.encode(anchor), **marks}
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
        marks = table.schema.metadata
        anchor, again = _ANCHORS.decode(marks[_ANCHOR]), int(marks[_AGAIN]) if _AGAIN in marks else None
    except (pa.ArrowException, msgspec.MsgspecError, OSError, TypeError, KeyError, ValueError) as error:
        raise ValueError(f"not a block of decisions: {error}") from error
    if not table.schema.equals(SCHEMA) or any(table[name].null_count for name in _NEVER_NULL):
        raise ValueError(f"not a block of decisions: columns {table.schema.names}, or one of them null")
    return Block(table.combine_chunks(), anchor, _MORE in marks, _TAKEOVER in marks, again)


def check(block: Block) -> None:
    """A worker can go by a block: each row is of a known kind, and of records, the last of which are its own.

    Raises:
        ValueError: it can't.
    """
    table = block.rows
    records, times, sizes = (pc.list_value_length(table[name]) for name in ("records", "times", "sizes"))
    decided = pc.equal(table["row"], DECIDED)
    known = pc.or_(
        pc.and_(decided, pc.is_in(table["closed_by"], pa.array(list(ClosedBy)))), pc.equal(table["row"], CARRIED)
    )
    own = pc.and_(pc.equal(times, sizes), pc.and_(pc.greater(times, 0), pc.less_equal(times, records)))
    entries = (pc.list_flatten(table[name]) for name in ("records", "times", "sizes", "span_ids"))
    adds_up = pc.all(pc.and_(known, own), min_count=0).as_py() and not any(column.null_count for column in entries)
    if block.anchor.offset < 0 or not adds_up:
        raise ValueError("not a block of decisions: rows that contradict themselves")


def keys_of(table: Any) -> list[bytes]:
    """The assembler's key of each row: the trace id, then the tenant's name."""
    ids: Sequence[bytes] = table.column("trace_id").to_pylist()
    tenants: Sequence[str] = table.column("tenant").to_pylist()
    return [trace_id + tenant.encode() for trace_id, tenant in zip(ids, tenants, strict=True)]
