"""How do records of `traces.v1` become rows? As they are: JSON objects, one a line."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from runtime.dead_letters import Record
from sinks.records import Piece, Table, json_lines
from tracemill import topics
from tracemill.errors import Malformed, Reason


class _Key(msgspec.Struct, gc=False):
    """What every trace row must have, or it has no place in the store."""

    tenant: str
    trace_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    opened_at: int
    started_at: int
    version: Annotated[int, msgspec.Meta(ge=0)]


_DECODER: Final = msgspec.json.Decoder(_Key)


def read_trace(record: Record) -> Piece:
    """The one row of a record, after a check that it is JSON and has its key.

    Raises:
        Malformed: it is no JSON object, or a column of the key is missing or isn't what it should be.
    """
    try:
        _DECODER.decode(record.value)
    except msgspec.ValidationError as error:
        raise Malformed(Reason.WRONG_SCHEMA, f"not a trace row: {error}") from error
    except msgspec.DecodeError as error:
        raise Malformed(Reason.UNDECODABLE, f"not JSON: {error}") from error
    return Piece(record, 1, b"", memoryview(record.value))


TRACES: Final = Table(topics.TRACES, "traces_in", "JSONEachRow", read_trace, json_lines, b"")
