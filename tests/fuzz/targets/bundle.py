"""A record of `otlp.v1` as someone else may have written it: refused as no bundle, or all of its traces are decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.builders.bundles import S, bundle
from tests.builders.partition import Worker, Written
from tests.fuzz.target import Target
from tracemill.bundles import read_index
from tracemill.config import Assembly
from tracemill.errors import Malformed, Reason

_LIMITS: Final = Assembly()
_NOW_MS: Final = 1_760_000_000_000
_SIZE_BYTES: Final = 2


def check_bundle(record: bytes) -> None:
    """The size of the index in two bytes, the index, and the value."""
    size, rest = int.from_bytes(record[:_SIZE_BYTES], "little"), record[_SIZE_BYTES:]
    index, value = rest[:size], rest[size:]
    written = Written()
    worker = Worker(_LIMITS, [(_NOW_MS, value, index), (_NOW_MS + _LIMITS.max_age_ms, b"", b"")], written)
    try:
        worker.feed()
    except Malformed as why:
        assert why.reason is Reason.NOT_A_BUNDLE
        return
    worker.feed()
    worker.flush()
    sent = {
        (chunk[0], value[slice(*group.tenant)].decode())
        for group in (read_index(index, len(value)) if index else ())
        for chunk in group.chunks
    }
    assert {(row["trace_id"], row["tenant"]) for row in written.rows()} == sent


def record_of(value: bytes, index: bytes) -> bytes:
    """An input of this target."""
    return len(index).to_bytes(_SIZE_BYTES, "little") + index + value


def _seeds() -> Iterator[bytes]:
    for spans in ([S()], [S(trace=number, span=number, parent=1) for number in range(1, 4)], []):
        yield record_of(*bundle(spans, "tenant-ä"))


TARGET: Final = Target(check_bundle, _seeds)
