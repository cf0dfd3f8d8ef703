"""Where does a worker go on that takes a partition over? From what `decisions.v1` says, as if it had never stopped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka import Consumer, Message, TopicPartition

from runtime.kafka import ADMIN_TIMEOUT_S, consumer_settings, fetch_records, read_from
from streams.log import Bundle, bundles_at, pieces_of
from tracemill import topics
from tracemill.assembly import blocks
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.trace import Anchor, Hold, OpenTrace
from tracemill.config import Config

MARGIN_MS = 60_000
"""Read so much more of `decisions.v1` than the horizon, because its records were written after what they decide."""


@dataclass(slots=True)
class _Past:
    """What the blocks of a partition say: decided rows, carried rows by trace, anchors by offset."""

    decided: list[Any] = field(default_factory=list)
    carried: dict[bytes, dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    anchors: dict[int, Anchor] = field(default_factory=dict)

    def take(self, message: Message) -> None:
        table, anchor = blocks.read(message.value() or b"")
        self.anchors[anchor.offset] = anchor
        self.decided.append(table.filter(pc.equal(table.column("row"), blocks.DECIDED)))
        rows = table.filter(pc.equal(table.column("row"), blocks.CARRIED))
        for key, row in zip(blocks.keys_of(rows), rows.to_pylist(), strict=True):
            self.carried[key][row["cause"]] = row


def recover(config: Config, partition: int) -> tuple[Assembler, Memory]:
    """The assembler and the memory of a partition as they were at the group's committed offset. Blocks."""
    committed = _committed(config, partition)
    past = _Past()
    if committed is not None:
        _read_past(config, partition, committed, past)
    start = _start(past, committed)
    memory = Memory(config.assembly.memory_horizon_ms)
    last = _remember(memory, past)
    assembler = Assembler(config.assembly, memory, start)
    assembler.restore(_open_traces(config, partition, past, start, memory, last))
    return assembler, memory


def _committed(config: Config, partition: int) -> int | None:
    consumer = Consumer(consumer_settings(config.kafka, config.streams.group))
    try:
        place = TopicPartition(topics.OTLP.name(config.kafka.namespace), partition)
        offset = consumer.committed([place], timeout=ADMIN_TIMEOUT_S)[0].offset
    finally:
        consumer.close()
    return offset if offset >= 0 else None


def _read_past(config: Config, partition: int, committed: int, past: _Past) -> None:
    """Read the blocks since the horizon before the committed record was appended."""
    source = topics.OTLP.name(config.kafka.namespace)
    near = fetch_records(config.kafka, source, partition, [committed, committed - 1])
    newest = near[max(near)].timestamp()[1] if near else 0
    since = newest - config.assembly.memory_horizon_ms - MARGIN_MS
    topic = topics.DECISIONS.name(config.streams.output_namespace or config.kafka.namespace)
    consumer = Consumer(consumer_settings(config.kafka, "tracemill-reader"))
    try:
        place = TopicPartition(topic, partition, max(since, 0))
        start = consumer.offsets_for_times([place], timeout=ADMIN_TIMEOUT_S)[0].offset
    finally:
        consumer.close()
    if start >= 0:
        read_from(config.kafka, topic, {partition: start}, past.take)


def _start(past: _Past, committed: int | None) -> Anchor:
    if committed is None:
        return Anchor(0, None, 0, "")
    return past.anchors.get(committed, Anchor(committed, None, 0, ""))


def _remember(memory: Memory, past: _Past) -> Mapping[bytes, int]:
    """Fill the memory with the highest revision of each trace; the last record that each was decided with."""
    if not past.decided:
        return {}
    table = pa.concat_tables(past.decided)
    ranked = pl.DataFrame(
        {
            "key": blocks.keys_of(table),
            "revision": pl.from_arrow(table.column("revision")),
            "row": range(len(table)),
        }
    )
    newest = ranked.sort("revision", maintain_order=True).unique("key", keep="last").sort("row")
    table = table.take(pa.array(newest["row"].to_list(), pa.int64()))
    keys = newest["key"].to_list()
    memory.add(keys, table)
    return dict(zip(keys, (records[-1] for records in table.column("records").to_pylist()), strict=True))


def _open_traces(
    config: Config, partition: int, past: _Past, start: Anchor, memory: Memory, last: Mapping[bytes, int]
) -> list[OpenTrace]:
    """The traces that were open at `start` and whose earlier records had been listed."""
    restored = []
    for key, rows in past.carried.items():
        trace = _restore(key, rows.values(), start, memory, last.get(key, -1))
        if trace is not None:
            restored.append(trace)
    wanted = {offset for trace in restored for offset in trace.records}
    found = bundles_at(config.kafka, partition, wanted) if wanted else {}
    for trace in restored:
        _fill(trace, found)
    return restored


def _restore(
    key: bytes, rows: Iterable[Mapping[str, Any]], start: Anchor, memory: Memory, decided_through: int
) -> OpenTrace | None:
    """An open trace without its spans yet; None when nothing of it lies before `start`, or it was decided since."""
    trace: OpenTrace | None = None
    for row in sorted(rows, key=lambda row: row["cause"]):
        known = [
            part
            for part in zip(row["records"], row["times"], row["sizes"], strict=True)
            if decided_through < part[0] < start.offset
        ]
        if not known:
            continue
        if trace is None:
            before = memory.get(key, row["first_at"])
            trace = OpenTrace(key, row["opened_at"], row["first_at"], 0, before, before.rooted if before else False)
        for offset, time, size in known:
            trace.records.append(offset)
            trace.times.append(time)
            trace.sizes.append(size)
            trace.size += size
        trace.last_at = trace.times[-1]
        if row["cause"] < start.offset:
            trace.listed = len(trace.records)
        elif trace.hold is None:
            trace.unlisted_at, trace.hold = known[0][1], Hold(start)
    return trace


def _fill(trace: OpenTrace, found: Mapping[int, Bundle]) -> None:
    for offset in trace.records:
        bundle = found.get(offset)
        if bundle is None:
            continue
        pieces, rooted = pieces_of(trace.key, bundle)
        trace.pieces += pieces
        trace.rooted = trace.rooted or rooted
    trace.spans = sum(piece[3] for piece in trace.pieces)
