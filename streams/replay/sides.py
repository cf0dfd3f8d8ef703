"""What was decided about each trace of a partition, and what would other rules decide? Both by trace, as it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import orjson
import pyarrow as pa
from confluent_kafka import Message

from runtime.dead_letters import Record
from runtime.kafka import offset_at, read_from
from streams.log import bring_back
from streams.records import BUNDLE, Handler, bundle, kind_of, override, promote, tick
from streams.replay.span import Stretch
from tracemill import topics
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory, decided_rows
from tracemill.assembly.trace import Anchor, Closing, Event
from tracemill.config import Config
from tracemill.errors import Malformed
from tracemill.evaluation.flush import Batch, Flush
from tracemill.evaluation.judge import RuleBook
from tracemill.sampling import RuleSet
from tracemill.sampling.history import History
from tracemill.sampling.steering import Steering

FLUSH_BYTES: Final = 16 * 1024 * 1024
READ_S: Final = 3_600.0
_HANDLERS: Final[Mapping[str, Handler]] = {
    BUNDLE: bundle,
    topics.TYPE_OVERRIDE: override,
    topics.TYPE_PROMOTION: promote,
}
"""Rules of the log change nothing here: the other rules hold from its first record on."""


class Decision(NamedTuple):
    """What happens to a trace in the end."""

    keep: bool
    policy: str


class Told(NamedTuple):
    """What is said about a trace, and what the other rules decide about it."""

    tenant: str
    trace_id: str
    service: str
    root_name: str
    spans: int
    bytes: int
    errors: int
    duration_ms: float
    cost_usd: float
    decision: Decision


Key = bytes


def decided(config: Config, partition: int, since_ms: int) -> dict[Key, Decision]:
    """What was decided, by the trace's key: its highest revision, as `decisions.v1` has it from `since_ms` on."""
    found: dict[Key, tuple[int, Decision]] = {}
    topic = topics.DECISIONS.name(config.kafka.namespace)
    start = offset_at(config.kafka, topic, partition, since_ms)

    def take(message: Message) -> None:
        keys, rows = decided_rows(message.value() or b"")
        columns = (rows.column(name).to_pylist() for name in ("revision", "keep", "policy"))
        for key, revision, keep, policy in zip(keys, *columns, strict=True):
            if key not in found or found[key][0] <= revision:
                found[key] = revision, Decision(keep, policy)

    if start is not None:
        read_from(config.kafka, topic, {partition: start}, take, READ_S)
    return {key: decision for key, (_, decision) in found.items()}


class OtherSide:
    """One partition, decided by other rules."""

    def __init__(self, config: Config, partition: int, rules: RuleSet, steering: Steering) -> None:
        book = RuleBook()
        book.add(rules)
        self._config, self._partition = config, partition
        self._steering = steering._replace(rules=rules.digest)
        self._memory = Memory(config.assembly.memory_horizon_ms)
        self._history = History(config.assembly.memory_horizon_ms, 1 / config.kafka.partitions)
        self._flush = Flush(book, config.assembly.memory_horizon_ms)
        self._waiting: list[Event] = []
        self._waiting_bytes = 0
        self.told: dict[Key, tuple[int, Told]] = {}

    def read(self, wanted: Stretch) -> int:
        """Read these records; how many traces are still open behind them."""
        assembler = Assembler(self._config.assembly, self._memory, Anchor(wanted.first, None, 0, self._steering))

        def take(message: Message) -> None:
            if (message.offset() or 0) >= wanted.last:
                raise _Enough
            self._feed(assembler, message)

        if wanted.first < wanted.last:
            topic = topics.OTLP.name(self._config.kafka.namespace)
            with suppress(_Enough):
                read_from(self._config.kafka, topic, {self._partition: wanted.first}, take, READ_S)
        self._decide(assembler)
        return assembler.open_count

    def _feed(self, assembler: Assembler, message: Message) -> None:
        record = Record(
            message.topic() or "",
            self._partition,
            message.offset() or 0,
            message.timestamp()[1],
            message.headers() or [],
            message.value() or b"",
        )
        try:
            _HANDLERS.get(kind_of(record), tick)(assembler, record)
        except Malformed:
            tick(assembler, record)
        for event in assembler.take():
            self._waiting.append(event)
            self._waiting_bytes += event.trace.size if isinstance(event, Closing) else 0
        if self._waiting_bytes > FLUSH_BYTES:
            self._decide(assembler)

    def _decide(self, assembler: Assembler) -> None:
        """As a worker does, but that nothing is written."""
        events, self._waiting, self._waiting_bytes = self._waiting, [], 0
        batches = [Batch(self._partition, events, self._history)]
        bring_back(self._config.kafka, batches)
        (output,) = self._flush.run(batches)
        assembler.release(events)
        if output.told:
            self._memory.add([closing.trace.key for closing in output.told], pa.concat_tables(output.decided))
        assembler.settle(events)
        self._memory.forget(assembler.now_ms)
        self._remember(map(orjson.loads, output.traces))

    def _remember(self, rows: Any) -> None:
        for row in rows:
            key = bytes.fromhex(row["trace_id"]) + row["tenant"].encode()
            self.told[key] = row["opened_at"], told_of(row)


class _Enough(Exception):
    """All that was wanted is read."""


def told_of(row: Mapping[str, Any]) -> Told:
    """What a row of `traces.v1` says, as far as it is compared."""
    return Told(
        row["tenant"],
        row["trace_id"],
        row["service_name"],
        row["root_name"],
        row["span_count"],
        row["size_bytes"],
        row["error_count"],
        row["duration_ms"] or 0.0,
        row["cost_usd"] or 0.0,
        Decision(row["decision"] == "keep", row["policy"]),
    )


def of_time(side: OtherSide, from_ms: int, to_ms: int) -> Sequence[tuple[Key, Told]]:
    """The traces whose first record came in this time."""
    bounds = from_ms * 1_000_000, to_ms * 1_000_000
    return [(key, told) for key, (opened_ns, told) in side.told.items() if bounds[0] <= opened_ns < bounds[1]]
