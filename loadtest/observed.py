"""What is on the topics and in the store? Ids folded to keys, read with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import clickhouse_connect
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client
from confluent_kafka import Message

from loadtest.expected import Keys, span_keys, trace_keys
from loadtest.identity import Ids, Numbers
from loadtest.ledger import Decided, Stored
from runtime.kafka import read_from
from tracemill import topics
from tracemill.config import Kafka, Store

READ_TIMEOUT_S: Final = 600.0
_SPANS: Final = """
SELECT
    reinterpretAsUInt64(unhex(substring(trace_id, 1, 16))) AS first,
    reinterpretAsUInt64(unhex(substring(trace_id, 17))) AS second,
    reinterpretAsUInt64(unhex(span_id)) AS span
FROM spans
WHERE tenant = {tenant:String}
"""
_TRACES: Final = """
SELECT
    reinterpretAsUInt64(unhex(substring(trace_id, 1, 16))) AS first,
    reinterpretAsUInt64(unhex(substring(trace_id, 17))) AS second,
    toInt64(revision) AS revision,
    toInt64(span_count) AS spans,
    toInt64(decision = 'keep') AS kept
FROM traces_latest
WHERE tenant = {tenant:String}
"""
_NO_KEYS: Final = np.empty(0, dtype=np.uint64)


def decided_on_topic(kafka: Kafka, tenant: str) -> Decided:
    """Every record of `traces.v1` about a tenant's traces."""
    ids, revisions, counts, kept = bytearray(), [], [], []

    def each(message: Message) -> None:
        row = orjson.loads(message.value() or b"")
        if row["tenant"] == tenant:
            ids.extend(bytes.fromhex(row["trace_id"]))
            revisions.append(row["revision"])
            counts.append(row["span_count"])
            kept.append(row["decision"] == "keep")

    _read_all(kafka, topics.TRACES, each)
    return Decided(
        traces=trace_keys(np.frombuffer(bytes(ids), dtype=np.uint8).reshape(-1, 16)),
        revisions=np.array(revisions, dtype=np.int64),
        span_counts=np.array(counts, dtype=np.int64),
        kept=np.array(kept, dtype=bool),
    )


def decided_in_log(kafka: Kafka, tenant: str) -> Decided:
    """The rows of `decisions.v1` that decide a tenant's traces; a trace's count is that of its distinct span ids."""
    traces, revisions, kept, spans = [_NO_KEYS], [], [], [_NO_KEYS]

    def each(message: Message) -> None:
        table = pa.ipc.open_stream(message.value()).read_all().combine_chunks()
        mine = pc.and_(pc.equal(table["row"], "decided"), pc.equal(table["tenant"], tenant))
        table = table.filter(mine).combine_chunks()
        keys = trace_keys(binary(table["trace_id"], 16))
        lists = table["span_ids"]
        traces.append(keys)
        revisions.extend(table["revision"].to_pylist())
        kept.extend(table["keep"].to_pylist())
        lengths = pc.list_value_length(lists).to_numpy()
        flat = pc.list_flatten(lists).to_numpy()
        spans.append(np.column_stack([np.repeat(keys, lengths), flat.astype(np.uint64)]).reshape(-1))

    _read_all(kafka, topics.DECISIONS, each)
    keys = np.concatenate(traces)
    owners = np.unique(np.concatenate(spans).reshape(-1, 2), axis=0)[:, 0]
    return Decided(
        traces=keys,
        revisions=np.array(revisions, dtype=np.int64),
        span_counts=np.searchsorted(owners, keys, side="right") - np.searchsorted(owners, keys),
        kept=np.array(kept, dtype=bool),
    )


def spans_on_topic(kafka: Kafka, tenant: str) -> Stored:
    """The distinct spans of a tenant on `spans.v1`; repetitions are allowed there and left out."""
    traces, spans = [_NO_KEYS], [_NO_KEYS]

    def each(message: Message) -> None:
        table = pa.ipc.open_stream(message.value()).read_all()
        table = table.select(["tenant", "trace_id", "span_id"]).filter(pc.equal(table["tenant"], tenant))
        _append(traces, spans, table)

    _read_all(kafka, topics.SPANS, each)
    return distinct(Stored(np.concatenate(traces), np.concatenate(spans)))


def spans_in_store(store: Store, tenant: str) -> Stored:
    """Every row that the view `spans` shows of a tenant."""
    traces, spans = [_NO_KEYS], [_NO_KEYS]
    for table in _select(store, _SPANS, tenant):
        keys = _folded(table)
        traces.append(keys)
        spans.append(keys ^ table["span"].to_numpy())
    return Stored(np.concatenate(traces), np.concatenate(spans))


def decided_in_store(store: Store, tenant: str) -> Decided:
    """Every row that the view `traces_latest` shows of a tenant."""
    tables = list(_select(store, _TRACES, tenant))
    return Decided(
        traces=np.concatenate([_NO_KEYS, *(_folded(table) for table in tables)]),
        revisions=_joined(tables, "revision"),
        span_counts=_joined(tables, "spans"),
        kept=_joined(tables, "kept").astype(bool),
    )


def _select(store: Store, query: str, tenant: str) -> Iterator[Any]:
    """The Arrow tables of an answer, one after the other."""
    client = store_client(store)
    with client.query_arrow_stream(query, {"tenant": tenant}) as stream:
        yield from stream
    client.close()


def store_client(store: Store) -> Client:
    """A client that may run queries in parallel."""
    where = urlsplit(store.url)
    return clickhouse_connect.get_client(
        host=where.hostname,
        port=where.port,
        username=store.user,
        password=store.password,
        database=store.database,
        autogenerate_session_id=False,
    )


def _folded(table: Any) -> Keys:
    halves = np.column_stack([table["first"].to_numpy(), table["second"].to_numpy()])
    return trace_keys(halves.view(np.uint8))


def _joined(tables: list[Any], column: str) -> Numbers:
    return np.concatenate([np.empty(0, dtype=np.int64), *(table[column].to_numpy() for table in tables)])


def distinct(stored: Stored) -> Stored:
    """Each span once."""
    spans, firsts = np.unique(stored.spans, return_index=True)
    return Stored(stored.traces[firsts], spans)


def binary(column: Any, width: int) -> Ids:
    """A binary column without nulls as bytes, shape (n, width).

    Raises:
        ValueError: some value has another width.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    array = array.cast(pa.binary()).cast(pa.binary(width))
    used = np.frombuffer(array.buffers()[1] or b"", dtype=np.uint8)
    return used[array.offset * width : (array.offset + len(array)) * width].reshape(-1, width)


def _append(traces: list[Keys], spans: list[Keys], table: Any) -> None:
    keys = trace_keys(binary(table["trace_id"], 16))
    traces.append(keys)
    spans.append(span_keys(keys, binary(table["span_id"], 8)))


def _read_all(kafka: Kafka, topic: topics.Topic, each: Callable[[Message], None]) -> None:
    starts = dict.fromkeys(range(topics.partition_count(topic, kafka.partitions)), 0)
    read_from(kafka, topic.name(kafka.namespace), starts, each, READ_TIMEOUT_S)
