"""A request all the way through a stream worker: what was taken at the edge is decided, whatever it says."""

from __future__ import annotations

from typing import Any, Final

import orjson

from tests.builders.partition import Logged, Worker, Written
from tests.fuzz.mutating import change_protobuf
from tests.fuzz.seeds import requests
from tests.fuzz.target import Target
from tracemill import bundles
from tracemill.config import Assembly, Limits
from tracemill.errors import Refused
from tracemill.otlp.check import Checked, check
from tracemill.otlp.split import split

_LIMITS: Final = Assembly()
_NOW_MS: Final = 1_760_000_000_000
_LATER_MS: Final = _LIMITS.max_age_ms


def check_flush(body: bytes) -> None:
    """Every trace that is taken has one row, and each of its spans is written once."""
    try:
        checked = check(body, Limits())
    except Refused:
        return
    taken = {
        (trace_id, span_id)
        for batch in checked.batches
        for trace_id, span_id in zip(batch.ids.traces, batch.ids.spans, strict=True)
    }
    written = _run(_logged(checked))
    assert not [one for output in written.outputs for one in output.undecodable]
    rows = [orjson.loads(line) for output in written.outputs for line in output.traces]
    stored = [row for output in written.outputs for table in output.spans for row in _ids(table)]
    assert sorted(stored) == sorted(taken)
    told = sorted(row["trace_id"] for row in rows)
    assert len(told) == len(set(told))
    assert {bytes.fromhex(trace_id) for trace_id in told} <= {trace_id for trace_id, _ in taken}


def _logged(checked: Checked) -> list[Logged]:
    """The request's bundle in one partition, and the passing of time."""
    value, groups = b"", []
    for piece in split(checked.batches, "acme", 1, 1 << 20, 1 << 24):
        groups.append(bundles.pack_group(piece.group, len(value)))
        value += b"".join(piece.parts)
    return [(_NOW_MS, value, bundles.join_index(groups)), (_NOW_MS + _LATER_MS, b"", b"")]


def _run(log: list[Logged]) -> Written:
    written = Written()
    worker = Worker(_LIMITS, log, written)
    while worker.feed():
        pass
    worker.flush()
    return written


def _ids(table: Any) -> list[tuple[bytes, bytes]]:
    return list(zip(table.column("trace_id").to_pylist(), table.column("span_id").to_pylist(), strict=True))


TARGET: Final = Target(check_flush, lambda: (one.SerializeToString() for one in requests()), change=change_protobuf)
