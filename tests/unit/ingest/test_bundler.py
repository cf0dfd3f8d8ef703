"""Pieces become records by partition; a request waits for all of its pieces, and fails with any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, TracesData

from ingest.bundler import Bundler, Done
from tests.builders.otlp import request, span
from tracemill import bundles
from tracemill.config import Limits
from tracemill.errors import Busy, Reason
from tracemill.otlp.check import check
from tracemill.otlp.split import Piece, split

PARTITIONS = 4
LINGER_S = 0.01
AWAY = Busy(Reason.BROKER_AWAY, "Kafka didn't acknowledge")


@dataclass
class Written:
    """A log that keeps what it is given until it is told what became of it."""

    records: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    waiting: list[Done] = field(default_factory=list)

    def append(self, partition: int, value: bytes, index: bytes, done: Done) -> None:
        self.records.append((partition, value, index))
        self.waiting.append(done)

    def settle(self, error: Busy | None = None) -> None:
        """Acknowledge everything, or refuse it."""
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done(error)


def pieces(*traces: int, tenant: str = "acme", name: str = "x") -> list[Piece]:
    """The pieces of a request with one span in each of these traces."""
    sent = request(*[span(trace=trace, number=number, name=name) for number, trace in enumerate(traces)])
    checked = check(sent.SerializeToString(), Limits())
    return split(checked.batches, tenant, PARTITIONS, 1 << 20, 1 << 24)


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test on an event loop of its own."""
    asyncio.run(test)


async def records(log: Written, count: int) -> None:
    """Wait until so many were written."""
    while len(log.records) < count:
        await asyncio.sleep(LINGER_S)


@given(
    st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=6), min_size=1, max_size=8),
    st.sampled_from([300, 5_000]),
)
def test_all_spans_of_all_requests_are_in_the_records_with_their_tenant(sent: list[list[int]], size: int) -> None:
    async def test() -> None:
        log = Written()
        bundler = Bundler(log, LINGER_S, size)
        writes = [
            asyncio.ensure_future(bundler.write(pieces(*traces, tenant=f"t{number}")))
            for number, traces in enumerate(sent)
        ]
        await asyncio.sleep(0)
        bundler.flush()
        log.settle()
        await asyncio.gather(*writes)
        found: list[tuple[str, bytes]] = []
        for _, value, index in log.records:
            assert TracesData.FromString(value).resource_spans
            assert len(log.records) == len({r[0] for r in log.records}) or size == 300
            for group in bundles.read_index(index, len(value)):
                tenant = value[slice(*group.tenant)].decode()
                for trace, start, end, packed in group.chunks:
                    inside = ScopeSpans.FromString(value[start:end]).spans
                    assert len(inside) == packed >> 1
                    found += [(tenant, trace)] * len(inside)
        wanted = [(f"t{number}", span(trace).trace_id) for number, traces in enumerate(sent) for trace in traces]
        assert sorted(found) == sorted(wanted)

    run(test())


def test_a_request_is_answered_when_all_of_its_pieces_are_acknowledged() -> None:
    async def test() -> None:
        log = Written()
        bundler = Bundler(log, LINGER_S, 1 << 20)
        mine = pieces(*range(20))
        assert len(mine) == PARTITIONS
        write = asyncio.ensure_future(bundler.write(mine))
        await records(log, PARTITIONS)
        assert len(log.waiting) == PARTITIONS
        for done in log.waiting[:-1]:
            done(None)
        await asyncio.sleep(0)
        assert not write.done()
        log.waiting[-1](None)
        await write

    run(test())


def test_a_failure_is_for_exactly_the_requests_that_have_a_piece_in_the_record() -> None:
    async def test() -> None:
        log = Written()
        bundler = Bundler(log, LINGER_S, 1 << 20)
        by_partition = {piece.partition: trace for trace in range(40) for piece in pieces(trace)}
        alone = [asyncio.ensure_future(bundler.write(pieces(by_partition[number]))) for number in range(PARTITIONS)]
        both = asyncio.ensure_future(bundler.write(pieces(by_partition[0], by_partition[1])))
        await asyncio.sleep(0)
        bundler.flush()
        for (partition, _, _), done in zip(log.records, log.waiting, strict=True):
            done(AWAY if partition == 1 else None)
        results = await asyncio.gather(*alone, both, return_exceptions=True)
        assert results == [None, AWAY, None, None, AWAY]

    run(test())


def test_requests_that_come_within_the_linger_share_a_record_and_a_lone_one_waits_no_longer() -> None:
    async def test() -> None:
        log = Written()
        bundler = Bundler(log, LINGER_S, 1 << 20)
        writes = [asyncio.ensure_future(bundler.write(pieces(0))) for _ in range(5)]
        await asyncio.sleep(0)
        assert log.records == []
        await records(log, 1)
        assert len(log.records) == 1
        log.settle()
        await asyncio.gather(*writes)
        later = asyncio.ensure_future(bundler.write(pieces(0)))
        await records(log, 2)
        log.settle()
        await later

    run(test())


def test_a_full_bundle_does_not_wait_and_is_not_larger_than_said() -> None:
    async def test() -> None:
        log = Written()
        bundler = Bundler(log, 60.0, 4_000)
        writes = [asyncio.ensure_future(bundler.write(pieces(0, name="x" * 700))) for _ in range(20)]
        await asyncio.sleep(0)
        assert len(log.records) >= 4
        assert all(2_000 < len(value) + len(index) <= 4_100 for _, value, index in log.records)
        bundler.flush()
        log.settle()
        await asyncio.gather(*writes)

    run(test())


def test_a_client_that_went_away_disturbs_nobody() -> None:
    async def test() -> None:
        log = Written()
        bundler = Bundler(log, LINGER_S, 1 << 20)
        gone, stays = (asyncio.ensure_future(bundler.write(pieces(0, 1, 2))) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        bundler.flush()
        await asyncio.sleep(0)
        log.settle()
        await stays
        with pytest.raises(asyncio.CancelledError):
            await gone

    run(test())


def test_nothing_to_write_is_written_at_once() -> None:
    run(Bundler(Written(), LINGER_S, 1 << 20).write([]))
