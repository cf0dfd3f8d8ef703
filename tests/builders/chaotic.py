"""What a run leaves behind, made in memory by the real pipeline: the log, decisions, signals, spans and rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import orjson
import polars as pl

from loadtest.bundling import Bundler
from loadtest.chaos.decisions import Told
from loadtest.chaos.rules import decide
from loadtest.chaos.run import ASSEMBLY, RULES
from loadtest.chaos.signals import Signals
from loadtest.chaos.stored import Stored
from loadtest.chaos.truth import Truth
from loadtest.payloads import Payloads
from loadtest.reader.assembly import Reader
from loadtest.workload import Workload
from tests.builders.partition import Logged, Worker, Written
from tracemill.assembly import blocks
from tracemill.sampling import RuleSet

PARTITIONS = 2
WORKLOAD = Workload(
    seed=11, traces=400, block_traces=10, late_every=4, late_after=30, rootless_every=9, spread=3, spans_per_trace=8
)
BEGAN_MS = 1_760_000_000_000
APART_MS = 300
AGAIN_EVERY = 7
"""One request in so many is sent twice, because nobody answered."""


@dataclass
class Left:
    """What is there, and what has to be."""

    truth: Truth
    told: list[Told]
    signals: Signals
    stored: Stored


@cache
def logs() -> list[list[Logged]]:
    """A log of each partition; the first record stands for the one that puts the rules in force."""
    payloads, bundler = Payloads(WORKLOAD), Bundler(PARTITIONS, "default")
    made: list[list[Logged]] = [[(BEGAN_MS, b"", b"")] for _ in range(PARTITIONS)]
    at_ms = BEGAN_MS
    for request in range(WORKLOAD.requests):
        at_ms += APART_MS
        body, _ = payloads.build(request, at_ms * 1_000_000)
        for _ in range(2 if request % AGAIN_EVERY == 0 else 1):
            if body:
                bundler.add(body)
        for record in bundler.take(everything=True):
            made[record.partition].append((at_ms, record.value, record.header))
    return [[*log, *((at_ms + wait_ms, b"", b"") for wait_ms in (10_000, 90_000))] for log in made]


def left() -> Left:
    """Of a run in which nothing went wrong."""
    written = all_written()
    told, signals = [Told() for _ in written], Signals()
    for partition, each in zip(told, written, strict=True):
        for value in each.blocks:
            partition.take(blocks.read(value).rows.to_pylist())
        for output in each.outputs:
            for line in output.signals:
                signals.take(line)
    return Left(Truth(list(_readers())), told, signals, _stored(written))


@cache
def all_written() -> list[Written]:
    """What the workers wrote, by partition."""
    return [_written(log) for log in logs()]


@cache
def _readers() -> list[Reader]:
    return [_reader(log) for log in logs()]


def _written(log: list[Logged]) -> Written:
    written, rule_set = Written(), RuleSet.parse(RULES.read_text())
    worker = Worker(ASSEMBLY, log, written, rule_set)
    worker.assembler.feed_rules(0, BEGAN_MS, rule_set.digest)
    worker.position = 1
    while worker.feed():
        if worker.position % 5 == 0:
            worker.flush()
    worker.flush()
    return written


def _reader(log: list[Logged]) -> Reader:
    reader = Reader(ASSEMBLY)
    reader.record(BEGAN_MS, judge=decide)
    for append_ms, value, _ in log[1:]:
        reader.record(append_ms, value)
    return reader


def _stored(written: list[Written]) -> Stored:
    outputs = [output for each in written for output in each.outputs]
    spans = pl.concat([pl.DataFrame(pl.from_arrow(table)) for output in outputs for table in output.spans])
    rows = [orjson.loads(line) for output in outputs for line in output.traces]
    latest = {row["trace_id"]: row for row in sorted(rows, key=lambda row: row["revision"])}
    traces = pl.DataFrame(list(latest.values()), infer_schema_length=None).with_columns(
        pl.col("trace_id").str.decode("hex"), pl.col("opened_at") // 1_000_000
    )
    names = ["trace_id", "decision", "policy", "span_count", "error_count", "duration_ms", "cost_usd"]
    traces = traces.with_columns(pl.col("cost_usd").fill_null(0.0))
    kept = traces.filter(pl.col("decision") == "keep")
    return Stored(spans.select("trace_id", "span_id").unique(), traces, kept.select(names))
