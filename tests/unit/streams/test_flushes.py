"""A flush writes outputs, then decisions, then remembers and commits; what fails before leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from streams.backlog import Backlog
from streams.deciding import Deciding
from streams.flushes import MANY_TRACES, Flushes, pause_s
from streams.letters import Letters
from streams.partitions import Partition, Partitions
from tests.builders.assigned import LIMITS, NOW_MS, assigned, partition
from tests.builders.bundles import S, bundle, trace_id
from tracemill.assembly.trace import Anchor, Closing
from tracemill.config import Streams
from tracemill.evaluation.flush import Flush
from tracemill.evaluation.judge import RuleBook
from tracemill.evaluation.output import Output
from tracemill.sampling import RuleSet

DEFAULT_KEY = trace_id(1) + b"default"


class Kafka:
    """What is written, in its order; `fails` names what isn't taken, `meanwhile` what happens before decisions are."""

    def __init__(self, fails: str = "") -> None:
        self.steps: list[Any] = []
        self.anchors: Mapping[int, Anchor] = {}
        self._fails = fails

    def write(self, outputs: Sequence[Output]) -> None:
        self._take("outputs", [(output.partition, len(output.traces)) for output in outputs])

    def write_blocks(self, outputs: Sequence[Output], anchors: Mapping[int, Anchor]) -> None:
        self._take("blocks", [output.partition for output in outputs])
        self.anchors = anchors

    async def commit(self, offsets: Mapping[int, int]) -> None:
        self._take("commit", dict(offsets))

    def _take(self, step: str, what: Any) -> None:
        if step == self._fails:
            raise OSError(step)
        self.steps.append((step, what))


def flushes(kafka: Kafka, partitions: Partitions) -> Flushes:
    flush = Flush(RuleBook(), LIMITS.memory_horizon_ms)
    letters = Letters(lambda _: None, content=False)
    decide = Deciding("otlp", lambda _: 0, flush.run, kafka.write, letters)
    return Flushes(partitions, Backlog(), decide, kafka.write_blocks, kafka.commit, Streams())


def closed(number: int = 0, still_open: bool = False) -> Partition:
    """A partition in which a trace closed; another may still be open."""
    ours = partition(number)
    ours.assembler.feed_bundle(0, NOW_MS, *bundle([S(trace=1)]))
    if still_open:
        ours.assembler.feed_bundle(1, NOW_MS + 50, *bundle([S(trace=2)]))
    ours.assembler.feed_tick(ours.assembler.next_offset, NOW_MS + 100)
    assert len(ours.collect()) == 1
    return ours


def test_outputs_then_decisions_then_the_commit() -> None:
    async def check() -> None:
        kafka, first, second = Kafka(), closed(1, still_open=True), closed(2)
        events = [*first.events, *second.events]
        assert await flushes(kafka, await assigned(second, first)).flush() == 2
        assert kafka.steps == [
            ("outputs", [(1, 1), (2, 1)]),
            ("blocks", [1, 2]),
            ("commit", {1: 1, 2: 2}),
        ]
        assert {number: anchor.offset for number, anchor in kafka.anchors.items()} == {1: 1, 2: 2}
        for ours in (first, second):
            assert ours.memory.get(DEFAULT_KEY, NOW_MS)
            assert ours.events == []
        assert all(event.decided.settled for event in events if isinstance(event, Closing))

    asyncio.run(check())


@pytest.mark.parametrize("step", ["outputs", "blocks", "commit"])
def test_nothing_is_remembered_or_committed_that_was_not_written_before(step: str) -> None:
    async def check() -> None:
        kafka, ours = Kafka(fails=step), closed()
        with pytest.raises(OSError, match=step):
            await flushes(kafka, await assigned(ours)).flush()
        everything = ["outputs", "blocks", "commit"]
        assert [done for done, _ in kafka.steps] == everything[: everything.index(step)]
        assert (ours.memory.get(DEFAULT_KEY, NOW_MS) is not None) == (step == "commit")
        assert ours.committed == 0

    asyncio.run(check())


def test_the_commit_follows_ticks_though_nothing_closed() -> None:
    async def check() -> None:
        kafka, moved, still = Kafka(), partition(1), partition(2)
        moved.assembler.feed_tick(0, NOW_MS)
        flush = flushes(kafka, await assigned(moved, still))
        assert await flush.flush() == 0
        assert kafka.steps == [("blocks", [1]), ("commit", {1: 1})]
        assert await flush.flush() == 0
        assert len(kafka.steps) == 2

    asyncio.run(check())


def test_a_partition_that_was_given_away_meanwhile_is_written_and_not_committed() -> None:
    async def check() -> None:
        kafka, mine, gone = Kafka(), closed(1), closed(2)
        partitions = await assigned(mine, gone)
        under_way = asyncio.create_task(flushes(kafka, partitions).flush())
        await asyncio.sleep(0)
        partitions.assign({1})
        await under_way
        assert kafka.steps[1:] == [("blocks", [1, 2]), ("commit", {1: 2})]

    asyncio.run(check())


def test_what_closes_while_a_flush_is_under_way_is_held_for_the_next() -> None:
    async def check() -> None:
        kafka, ours = Kafka(), closed(still_open=True)
        flush = flushes(kafka, await assigned(ours))
        under_way = asyncio.create_task(flush.flush())
        await asyncio.sleep(0)
        ours.assembler.feed_tick(3, NOW_MS + 150)
        assert len(ours.collect()) == 1
        await under_way
        assert kafka.steps[-1] == ("commit", {0: 1})
        assert await flush.flush() == 1
        assert kafka.steps[-1] == ("commit", {0: 4})

    asyncio.run(check())


def test_rules_that_nobody_knows_stop_the_worker_before_anything_is_written() -> None:
    async def check() -> None:
        kafka, ours = Kafka(), partition()
        digest = RuleSet.parse("version: 1\ndefault: {probability: 0.5}").digest
        ours.assembler.feed_rules(0, NOW_MS, digest)
        ours.assembler.feed_bundle(1, NOW_MS, *bundle([S()]))
        ours.assembler.feed_tick(2, NOW_MS + 100)
        ours.collect()
        with pytest.raises(LookupError, match=digest):
            await flushes(kafka, await assigned(ours)).flush()
        assert kafka.steps == []

    asyncio.run(check())


@pytest.mark.parametrize(
    ("closed_events", "took_s", "pause"),
    [(0, 0.0, 0.25), (MANY_TRACES, 0.05, 0.2), (MANY_TRACES + 1, 0.05, 0.95), (0, 0.3, 0.0), (10_000, 4.0, 0.0)],
)
def test_flushes_begin_at_a_steady_pace(closed_events: int, took_s: float, pause: float) -> None:
    pace = Streams(flush_idle_ms=250, flush_load_ms=1_000)
    assert pause_s(pace, closed_events, took_s) == pytest.approx(pause)
