"""What a flush decided is counted once: traces, revisions, late and repeated spans; and how late the decision was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from prometheus_client import REGISTRY

from streams import metrics
from streams.turns import Turns
from tests.builders.assigned import LIMITS, NOW_MS, partition
from tests.builders.bundles import S, bundle
from tests.builders.partition import Worker, Written
from tracemill.assembly.trace import Closing, Verdict
from tracemill.evaluation.flush import Batch, Flush
from tracemill.evaluation.judge import RuleBook
from tracemill.evaluation.output import Output
from tracemill.sampling import RuleSet

ERRORS_ONLY = RuleSet.parse("version: 1\nrules: [{name: errors, keep: error_count > 0}]\ndefault: {probability: 0}")


def values() -> Mapping[str, float]:
    """All that a worker counts: the name without its prefix and suffix, and the values of the labels."""
    return {
        " ".join((sample.name.removeprefix("tracemill_streams_").removesuffix("_total"), *sample.labels.values())): (
            sample.value
        )
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name.startswith("tracemill_streams_") and not sample.name.endswith(("_created", "_bucket"))
    }


def counted(*records: tuple[int, list[S]]) -> dict[str, float]:
    """What is counted of records at milliseconds after `NOW_MS`, with a flush after each; only what isn't 0."""
    written, before = Written(), values()
    log = [(NOW_MS + at, *(bundle(spans) if spans else (b"", b""))) for at, spans in records]
    worker = Worker(LIMITS, log, written, ERRORS_ONLY)
    while worker.feed():
        worker.flush()
    for output in written.outputs:
        metrics.count(output)
    return {name: value - before.get(name, 0) for name, value in values().items() if value != before.get(name, 0)}


def test_traces_are_decided_once_by_a_policy() -> None:
    found = counted((0, [S(trace=1, error=True), S(trace=1, span=1, parent=0), S(trace=2), S(trace=3)]), (150, []))
    assert found == {
        "decisions keep errors": 1,
        "decisions drop default": 2,
        "traces_closed complete": 3,
        "spans": 4,
        "spans_written": 2,
    }


def test_a_late_span_makes_a_revision_and_may_promote_its_trace() -> None:
    found = counted((0, [S()]), (150, []), (200, [S(span=1, parent=0, error=True)]), (350, []))
    assert found == {
        "decisions drop default": 1,
        "late_traces": 1,
        "late_spans": 1,
        "revisions": 1,
        "promotions": 1,
        "traces_closed complete": 2,
        "spans": 2,
        "spans_written": 2,
    }


def test_spans_that_come_twice_are_counted_apart_and_make_no_revision() -> None:
    twice, late = [S(), S(span=1, parent=0), S(span=1, parent=0)], [S(span=1, parent=0)]
    assert counted((0, twice), (150, []), (200, late), (350, [])) == {
        "decisions drop default": 1,
        "late_traces": 1,
        "late_spans": 1,
        "repeated_spans": 2,
        "traces_closed complete": 2,
        "spans": 4,
    }


def test_each_partition_counts_its_own_repeated_spans() -> None:
    batches = []
    for number, repeats in ((1, 0), (2, 3), (4, 1)):
        ours, spans = partition(number), [S(trace=5), S(trace=number), *[S(trace=number)] * repeats]
        ours.assembler.feed_bundle(0, NOW_MS, *bundle(spans))
        ours.assembler.feed_tick(1, NOW_MS + LIMITS.quiet_period_ms)
        batches.append(Batch(number, ours.collect(), ours.history))
    outputs = Flush(RuleBook(), LIMITS.memory_horizon_ms).run(batches)
    assert [(output.partition, output.repeated) for output in outputs] == [(1, 0), (2, 3), (4, 1)]


@pytest.mark.parametrize(("stepped_back_ms", "latency_s"), [(0, 3.0), (700, 3.7)])
def test_a_decision_is_late_by_the_brokers_clock(stepped_back_ms: int, latency_s: float) -> None:
    """Due 100 ms after the last span; log time is ahead of a clock that has stepped back."""
    ours = partition()
    ours.assembler.feed_bundle(0, NOW_MS, *bundle([S()]))
    ours.assembler.feed_tick(1, NOW_MS - stepped_back_ms)
    ours.assembler.feed_tick(2, NOW_MS - stepped_back_ms + LIMITS.quiet_period_ms)
    events = ours.collect()
    assert len(events) == 1
    before = values()
    metrics.decided(ours.assembler, events, NOW_MS + LIMITS.quiet_period_ms + 3_000)
    after = values()
    latency = "decision_latency_seconds"
    assert after[f"{latency}_count"] - before[f"{latency}_count"] == 1
    assert after[f"{latency}_sum"] - before[f"{latency}_sum"] == pytest.approx(latency_s, abs=0.001)


def test_policies_beyond_a_bound_are_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_policies", {"known", *map(str, range(metrics.POLICIES - 1))})
    ours = partition()
    ours.assembler.feed_bundle(0, NOW_MS, *bundle([S(trace=1), S(trace=2), S(trace=3)]))
    ours.assembler.feed_tick(1, NOW_MS + LIMITS.quiet_period_ms)
    closings = [event for event in ours.collect() if isinstance(event, Closing)]
    for closing, policy in zip(closings, ("known", "new", "newer"), strict=True):
        closing.decided.verdict = Verdict(True, policy, 1.0, 1.0, "")
    before = values()
    metrics.count(Output(0, told=closings))
    after = values()
    assert after["decisions keep known"] - before.get("decisions keep known", 0) == 1
    assert after["decisions keep other"] - before.get("decisions keep other", 0) == 2
    assert "decisions keep new" not in after


def test_records_that_nobody_has_read_are_counted_as_lost() -> None:
    async def seek(number: int, offset: int) -> None:
        raise AssertionError("nothing is to be read again")

    before = values()["records_lost"]
    turns = Turns(lambda number: 9, seek)
    assert asyncio.run(turns.is_next(partition(next_offset=5), 9, 0.0))
    assert asyncio.run(turns.is_next(partition(next_offset=0), 9, 0.0))
    assert values()["records_lost"] - before == 4
