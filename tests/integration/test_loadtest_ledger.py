"""The ledger reads real topics and the real store, and finds what was planted there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from confluent_kafka import Producer

from loadtest.check import check
from loadtest.claims import Claim, write_claims
from loadtest.identity import span_ids, trace_ids
from loadtest.ledger import Verdict
from loadtest.workload import Workload
from runtime.kafka import ensure_topics, producer_settings
from sinks.clickhouse import connect
from sinks.migrations import apply, layout_of
from tests.fixtures.waiting import PATIENCE_S
from tracemill import topics
from tracemill.assembly import blocks
from tracemill.config import Config, Kafka, Store
from tracemill.topics import Topic, partition_of

pytestmark = pytest.mark.integration

WORKLOAD = Workload(seed=21, traces=60, block_traces=10)
CLAIMS = [Claim(WORKLOAD, "default", ((0, WORKLOAD.requests),), ())]
PARTITIONS = 3


def _trace_id(trace: int) -> bytes:
    return trace_ids(WORKLOAD.seed, np.array([trace])).tobytes()


def _span_id(trace: int, number: int) -> bytes:
    return span_ids(WORKLOAD.seed, np.array([trace]), np.array([number])).tobytes()


@dataclass
class World:
    """(trace, revision, span count, kept) of each record, and (trace, span number) of each stored span."""

    records: list[tuple[int, int, int, bool]] = field(
        default_factory=lambda: [(trace, 1, 8, trace % 4 != 0) for trace in range(WORKLOAD.traces)]
    )
    spans: list[tuple[int, int]] = field(
        default_factory=lambda: [(trace, number) for trace in range(60) if trace % 4 for number in range(8)]
    )


def _repeat(world: World) -> World:
    return World(world.records * 2, world.spans * 2)


def _promote(world: World) -> World:
    return World([*world.records, (4, 2, 8, True)], [*world.spans, *((4, number) for number in range(8))])


def _lose_a_span(world: World) -> World:
    return replace(world, spans=[span for span in world.spans if span != (7, 3)])


def _lose_a_trace(world: World) -> World:
    return World([record for record in world.records if record[0] != 7], world.spans)


def _half_keep(world: World) -> World:
    return replace(world, spans=[*world.spans, (8, 0), (8, 1)])


def _count_over(world: World) -> World:
    return replace(world, records=[*world.records, (7, 2, 9, True)])


PLANTED: list[tuple[Callable[[World], World], dict[str, int]]] = [
    (lambda world: world, {}),
    (_repeat, {}),
    (_promote, {}),
    (_lose_a_span, {"missing_spans": 1, "incomplete_traces": 1}),
    (_lose_a_trace, {"undecided_traces": 1}),
    (_half_keep, {"dropped_traces_stored": 1}),
    (_count_over, {"traces_counted_over": 1, "spans_counted_twice": 1}),
]
CASES = pytest.mark.parametrize(("plant", "faults"), PLANTED)


def _found(verdict: Verdict) -> dict[str, int]:
    return {name: count for name, count in verdict.faults.items() if count}


class Topics:
    """Writes what streams would write."""

    def __init__(self, kafka: Kafka) -> None:
        ensure_topics(kafka)
        self._producer = Producer(producer_settings(kafka, int(PATIENCE_S * 1000)))
        self._namespace = kafka.namespace

    def write(self, world: World) -> None:
        for trace, revision, count, kept in world.records:
            row = {"tenant": "default", "trace_id": _trace_id(trace).hex(), "revision": revision, "span_count": count}
            self._send(topics.TRACES, trace, json.dumps(row | {"decision": "keep" if kept else "drop"}).encode())
            self._send(topics.DECISIONS, trace, _stream(_block(trace, revision, count, kept)))
        for tenant in ("default", "other"):
            for trace, number in world.spans:
                ids = {"tenant": [tenant], "trace_id": [_trace_id(trace)], "span_id": [_span_id(trace, number)]}
                self._send(topics.SPANS, trace, _stream(pa.table(ids)))
        assert self._producer.flush(PATIENCE_S) == 0

    def _send(self, topic: Topic, trace: int, value: bytes) -> None:
        partition = partition_of(_trace_id(trace), PARTITIONS)
        self._producer.produce(topic.name(self._namespace), value, partition=partition)
        self._producer.poll(0)


def _block(trace: int, revision: int, count: int, kept: bool) -> Any:
    spans = [int.from_bytes(_span_id(trace, number), "little") for number in range(count)]
    told = {
        "row": blocks.DECIDED,
        "tenant": "default",
        "trace_id": _trace_id(trace),
        "revision": revision,
        "keep": kept,
        "span_ids": spans,
    }
    carried = told | {"row": blocks.CARRIED, "span_ids": [99]}
    rows = [{name: row.get(name) for name in blocks.SCHEMA.names} for row in (carried, told)]
    return pa.Table.from_pylist(rows, schema=blocks.SCHEMA)


def _stream(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@CASES
def test_topics(
    plant: Callable[[World], World], faults: dict[str, int], kafka: str, namespace: str, tmp_path: Path
) -> None:
    settings = Kafka(bootstrap=kafka, namespace=namespace, partitions=PARTITIONS)
    Topics(settings).write(plant(World()))
    for against in ("traces", "decisions"):
        (verdict,) = check(CLAIMS, settings, None, against).values()
        assert _found(verdict) == faults, against
        assert verdict.acknowledged_spans == WORKLOAD.spans


def test_the_command_tells_and_fails_when_something_is_wrong(kafka: str, namespace: str, tmp_path: Path) -> None:
    Topics(Kafka(bootstrap=kafka, namespace=namespace, partitions=PARTITIONS)).write(_lose_a_span(World()))
    write_claims(tmp_path / "claims", CLAIMS)
    options = ["--claims", str(tmp_path / "claims"), "--bootstrap", kafka, "--namespace", namespace]
    command = [sys.executable, "-m", "loadtest.check", *options, "--partitions", str(PARTITIONS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    verdict = json.loads(done.stdout)["default"]
    assert verdict["faults"]["missing_spans"] == 1
    assert verdict["examples"]["incomplete_traces"] == [_trace_id(7).hex()]


@CASES
def test_store(plant: Callable[[World], World], faults: dict[str, int], store: str, database: str) -> None:
    config = Config(store=Store(url=store, database=database))
    client = connect(config.store)
    apply(client, layout_of(config))
    world = plant(World())
    for tenant in ("default", "other"):
        spans = [[tenant, _trace_id(trace).hex(), _span_id(trace, number).hex()] for trace, number in world.spans]
        client.insert("otel_traces", spans, column_names=["Tenant", "TraceId", "SpanId"], database=database)
    rows = [
        ["default", _trace_id(trace).hex(), revision, count, "keep" if kept else "drop", revision]
        for trace, revision, count, kept in world.records
    ]
    names = ["tenant", "trace_id", "revision", "span_count", "decision", "version"]
    client.insert("traces", rows, column_names=names, database=database)
    client.close()
    (verdict,) = check(CLAIMS, config.kafka, config.store, "store").values()
    assert _found(verdict) == faults
    assert verdict.stored_spans == len(set(world.spans))
