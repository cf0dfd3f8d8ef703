"""Rows put into a store as the sink puts them there, and read back."""

from __future__ import annotations

from typing import Any

from clickhouse_connect.driver.client import Client

from runtime.dead_letters import Record
from sinks.clickhouse import insert
from sinks.records import Table
from sinks.score_records import SCORES
from sinks.span_records import SPANS
from sinks.trace_records import TRACES


def insert_spans(client: Client, database: str, *values: bytes) -> None:
    """Records of `spans.v1`, in one block."""
    _insert(client, database, SPANS, values)


def insert_traces(client: Client, database: str, *values: bytes) -> None:
    """Records of `traces.v1`, in one block."""
    _insert(client, database, TRACES, values)


def insert_scores(client: Client, database: str, *values: bytes) -> None:
    """Records of `scores.v1`, in one block, at the offsets 0, 1, …"""
    _insert(client, database, SCORES, values)


def _insert(client: Client, database: str, table: Table, values: tuple[bytes, ...]) -> None:
    pieces = [table.read(Record(table.topic.name(), 0, offset, 0, (), value)) for offset, value in enumerate(values)]
    for body in table.bodies(pieces):
        insert(client, f"{database}.{table.landing}", table.format, body)


def rows(client: Client, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """What a query answers."""
    return [tuple(row) for row in client.query(sql, parameters=parameters).result_rows]
