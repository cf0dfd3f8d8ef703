"""Rows of `decisions.v1` with defaults, and blocks of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from tests.builders.bundles import trace_id
from tracemill.assembly import blocks
from tracemill.assembly.trace import Anchor


def row(trace: int = 1, revision: int = 1, cause: int = 0, **columns: Any) -> dict[str, Any]:
    """A row of `blocks.SCHEMA`: what a test doesn't name has a default."""
    return {
        "row": blocks.DECIDED,
        "tenant": "default",
        "trace_id": trace_id(trace),
        "revision": revision,
        "opened_at": 5,
        "first_at": 5,
        "at": 10 + cause,
        "cause": cause,
        "closed_by": "complete",
        "rooted": True,
        "keep": True,
        "policy": "default",
        "rules": "",
        "probability": 1.0,
        "adjusted_count": 1.0,
        "records": [trace, cause],
        "times": [5],
        "sizes": [100],
        "first_through": cause,
        "spans": 2,
        "span_bytes": 100,
        "span_ids": [trace, 2**64 - trace],
        "promoted": "",
        "route": "",
        "duration_ms": 1.0,
        "route_p95_ms": None,
        **columns,
    }


def block(rows: Iterable[dict[str, Any]]) -> bytes:
    """A record of `decisions.v1` with these rows."""
    return blocks.write(pa.Table.from_pylist(list(rows), schema=blocks.SCHEMA), Anchor(0, 0, 0))


def stream(table: Any, metadata: dict[bytes, bytes]) -> bytes:
    """A table as an Arrow stream, whatever its schema says of itself."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.with_metadata(metadata)) as writer:
        writer.write_table(table.replace_schema_metadata(metadata))
    return bytes(sink.getvalue())
