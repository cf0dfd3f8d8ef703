"""What does the store show? Ids of spans, trace rows, and what the spans of each trace amount to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import polars as pl

from loadtest.observed import store_client
from tracemill.config import Store

TENANT: Final = "default"
_SPANS: Final = """
SELECT toFixedString(unhex(s.trace_id), 16) AS trace_id, toFixedString(unhex(s.span_id), 8) AS span_id
FROM spans AS s
WHERE tenant = 'default'
"""
_TRACES: Final = Path(__file__).with_name("trace_rows.sql")
_SUMS: Final = Path(__file__).with_name("sums_of_spans.sql")


@dataclass(frozen=True)
class Stored:
    """Frames: `spans` (trace_id and span_id as bytes, one row each that a reader sees), `traces` (their rows), and
    `sums` (the same columns, computed from the spans of each trace)."""

    spans: pl.DataFrame
    traces: pl.DataFrame
    sums: pl.DataFrame

    @cached_property
    def span_ids(self) -> dict[bytes, list[bytes]]:
        """The ids of each trace's spans, one that is there twice twice."""
        grouped = self.spans.group_by("trace_id").agg("span_id")
        return dict(zip(grouped["trace_id"].to_list(), grouped["span_id"].to_list(), strict=True))


def read_stored(store: Store) -> Stored:
    """Ask the views that everyone reads."""
    client = store_client(store)
    try:
        return Stored(*(_frame(client, query) for query in (_SPANS, _TRACES.read_text(), _SUMS.read_text())))
    finally:
        client.close()


def _frame(client: Any, query: str) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(client.query_arrow(query)))
