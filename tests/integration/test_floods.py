"""Floods against a real worker: its memory doesn't grow with them, nothing stops, and every span is decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from loadtest.accounting import read_process
from loadtest.reader.told import decided
from streams.backlog import LIMIT_BYTES
from tests.builders.bundles import S, bundle
from tests.fixtures.scraping import scrape
from tests.fixtures.servers import Server
from tests.fixtures.streaming import Pipeline

pytestmark = pytest.mark.integration

LIMITS = {
    "partition_bytes": 1024 * 1024,
    "max_trace_bytes": 512 * 1024,
    "max_spans": 1_000,
    "late_grace_bytes": 1024 * 1024,
}
EACH = 500
TIMES_DECODED = 24
"""What waits for a flush takes at most so many times its bytes: decoded, written, copied for Kafka; and the next."""


@pytest.fixture
def pipeline(kafka: str, namespace: str, tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(kafka, namespace, tmp_path, limits=LIMITS)
    made.make_topics()
    yield made
    made.stop()


def rootless(first: int, count: int) -> Iterator[list[S]]:
    """Traces of one small span each, none of which is a root."""
    for start in range(first, first + count, EACH):
        yield [S(trace=number, span=number, parent=1) for number in range(start, start + EACH)]


def endless(trace: int, count: int) -> Iterator[list[S]]:
    """One trace."""
    for start in range(0, count, EACH):
        yield [S(trace=trace, span=number, parent=1) for number in range(start, start + EACH)]


def large(first: int, count: int) -> Iterator[list[S]]:
    """Spans of 2 MiB that can't be compressed much."""
    for at in range(count):
        text = Random(at).randbytes(1024**2 - 500).hex()
        yield [S(trace=first + at, parent=1, attributes={"a": text})]


def floods() -> Iterator[tuple[bytes, bytes]]:
    """Every sort of them."""
    for spans in (*rootless(0, 30_000), *endless(40_000, 15_000), *large(50_000, 20)):
        yield bundle(spans)
    for tenant in range(800):
        yield bundle([S(trace=7)], f"tenant-{tenant}")


def peak_bytes(worker: Server) -> int:
    assert worker.process
    found = read_process(worker.process.pid)
    assert found
    return found.memory.peak_bytes


def test_a_worker_takes_so_much_memory_and_no_more(pipeline: Pipeline) -> None:
    """600 MB of spans: all of it at once would take twice of what is allowed."""
    worker = pipeline.worker()
    at_rest = peak_bytes(worker)
    pipeline.append_all(0, (bundle(spans) for spans in large(0, 300)))
    pipeline.settle()
    assert peak_bytes(worker) < at_rest + TIMES_DECODED * LIMIT_BYTES
    assert len(pipeline.stored_spans()) == 300


def test_whatever_comes_is_decided_and_told_why_it_closed(pipeline: Pipeline) -> None:
    worker = pipeline.worker()
    pipeline.append_all(0, floods())
    pipeline.settle()
    found, expected = [decided(rows) for rows in pipeline.rows()], pipeline.expected()
    assert found == expected
    told = scrape(worker.address)
    why = Counter(row.closed_by for rows in expected for row in rows)
    assert set(why) == {"memory", "max_spans", "max_bytes", "idle", "complete"}
    for reason in why:
        assert told.total("tracemill_streams_traces_closed_total", closed_by=reason) >= why[reason]
    assert len(pipeline.stored_spans()) == 30_000 + 15_000 + 20 + 1, "the tenants sent a trace of the same id"
    assert told.total("tracemill_streams_held_bytes") == 0
    assert pipeline.dead_letters() == []
