"""The ledger is clean when all is well, and finds every kind of fault that is planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.claims import Claim, ranges
from loadtest.expected import Expected, expect, span_keys, trace_keys
from loadtest.identity import span_ids, trace_ids
from loadtest.ledger import Decided, Stored, Verdict, judge
from loadtest.workload import Workload, spans_of
from tests.builders.workloads import workloads


@dataclass
class World:
    """What a perfect run leaves: a record a trace (trace number, revision, span count, kept), a row a span."""

    workload: Workload
    records: list[tuple[int, int, int, bool]] = field(default_factory=list)
    rows: list[tuple[int, int]] = field(default_factory=list)

    def decided(self) -> Decided:
        columns = [np.array(column) for column in zip(*self.records, strict=True)] or [np.empty(0, np.int64)] * 4
        keys = trace_keys(trace_ids(self.workload.seed, columns[0].astype(np.int64)))
        return Decided(keys, columns[1], columns[2], columns[3].astype(bool))

    def stored(self) -> Stored:
        traces, numbers = np.array(self.rows, dtype=np.int64).reshape(-1, 2).T
        keys = trace_keys(trace_ids(self.workload.seed, traces))
        return Stored(keys, span_keys(keys, span_ids(self.workload.seed, traces, numbers)))

    def judged(self, expected: Expected) -> Verdict:
        return judge(expected, self.decided(), self.stored())


def _perfect(workload: Workload, drop: Callable[[int], bool] = lambda trace: trace % 3 == 2) -> World:
    every = range(workload.traces)
    return World(
        workload,
        [(trace, 1, workload.spans_per_trace, not drop(trace)) for trace in every],
        [(trace, number) for trace in every if not drop(trace) for number in range(workload.spans_per_trace)],
    )


def _all_of(workload: Workload) -> Expected:
    return expect([Claim(workload, "default", ((0, workload.requests),), ())])


@settings(max_examples=50, deadline=None)
@given(workloads())
def test_a_perfect_run_is_clean_whatever_the_load(workload: Workload) -> None:
    verdict = _perfect(workload).judged(_all_of(workload))
    assert verdict.clean, verdict
    assert verdict.acknowledged_spans == workload.spans
    assert verdict.kept_traces + verdict.dropped_traces == verdict.acknowledged_traces == workload.traces


def _lose_a_record(world: World) -> None:
    del world.records[4]


def _lose_a_span(world: World) -> None:
    world.rows.remove((3, 2))


def _lose_a_trace(world: World) -> None:
    world.rows = [row for row in world.rows if row[0] != 3]


def _repeat_a_row(world: World) -> None:
    world.rows.append((3, 2))


def _store_a_dropped_trace(world: World) -> None:
    world.rows.append((2, 0))


def _count_over(world: World) -> None:
    world.records[5] = (5, 1, 10, False)


def _count_short(world: World) -> None:
    world.records[5] = (5, 1, 7, False)


def _decide_twice(world: World) -> None:
    world.records.append((4, 1, 8, False))


def _drop_what_was_kept(world: World) -> None:
    world.records.append((4, 2, 8, False))


def _invent_a_span(world: World) -> None:
    world.rows.append((3, 99))


@pytest.mark.parametrize(
    ("plant", "faults"),
    [
        (_lose_a_record, {"undecided_traces": 1}),
        (_lose_a_span, {"missing_spans": 1, "incomplete_traces": 1}),
        (_lose_a_trace, {"missing_spans": 8, "incomplete_traces": 1}),
        (_repeat_a_row, {"duplicate_rows": 1}),
        (_store_a_dropped_trace, {"dropped_traces_stored": 1}),
        (_count_over, {"traces_counted_over": 1, "spans_counted_twice": 2}),
        (_count_short, {"traces_counted_short": 1}),
        (_decide_twice, {"contradicted_traces": 1, "dropped_traces_stored": 1}),
        (_drop_what_was_kept, {"contradicted_traces": 1, "dropped_traces_stored": 1}),
        (_invent_a_span, {"unexpected_spans": 1}),
    ],
)
def test_a_planted_fault_is_found_and_nothing_else(plant: Callable[[World], None], faults: dict[str, int]) -> None:
    workload = Workload(seed=11, traces=40, block_traces=10)
    world = _perfect(workload)
    plant(world)
    verdict = world.judged(_all_of(workload))
    assert not verdict.clean
    assert {name: count for name, count in verdict.faults.items() if count} == faults


def test_examples_name_the_trace() -> None:
    workload = Workload(seed=11, traces=40, block_traces=10)
    world = _perfect(workload)
    _lose_a_span(world)
    verdict = world.judged(_all_of(workload))
    assert verdict.examples == {"incomplete_traces": [trace_ids(11, np.array([3])).tobytes().hex()]}


def test_the_highest_revision_counts_and_repeated_records_do_not() -> None:
    workload = Workload(seed=11, traces=40, block_traces=10)
    world = _perfect(workload)
    world.records = [(2, 3, 8, True), *world.records, (2, 2, 7, False), *world.records, (2, 3, 8, True)]
    world.rows += [(2, number) for number in range(8)]
    assert world.judged(_all_of(workload)).clean


@settings(max_examples=50, deadline=None)
@given(workloads(), st.data())
def test_spans_of_unanswered_requests_may_be_there_or_not(workload: Workload, data: st.DataObject) -> None:
    requests = list(range(workload.requests))
    unanswered = data.draw(st.sets(st.sampled_from(requests))) if requests else set()
    perhaps = [
        cell for number in unanswered for cell in zip(*map(np.ndarray.tolist, spans_of(workload, number)), strict=True)
    ]
    arrived = data.draw(st.sets(st.sampled_from(perhaps))) if perhaps else set()
    world = _perfect(workload, drop=lambda _: False)
    world.rows = [row for row in world.rows if row not in set(perhaps) or row in arrived]
    counts = np.bincount([trace for trace, _ in world.rows], minlength=workload.traces).tolist()
    world.records = [(trace, 1, count, True) for trace, count in enumerate(counts) if count]
    verdict = world.judged(expect([Claim(workload, "default", ranges(set(requests) - unanswered), ranges(unanswered))]))
    assert verdict.clean, verdict
    assert verdict.uncertain_spans == len(perhaps)


def test_rows_of_traces_that_nobody_sent_are_told_apart() -> None:
    workload = Workload(seed=11, traces=40, block_traces=10)
    world, other = _perfect(workload), _perfect(Workload(seed=12, traces=5))
    stored, foreign = world.stored(), other.stored()
    both = Stored(np.concatenate([stored.traces, foreign.traces]), np.concatenate([stored.spans, foreign.spans]))
    verdict = judge(_all_of(workload), world.decided(), both)
    assert verdict.clean
    assert verdict.foreign_rows == len(other.rows)


def test_without_decisions_every_trace_must_be_stored() -> None:
    workload = Workload(seed=11, traces=40, block_traces=10)
    verdict = judge(_all_of(workload), None, _perfect(workload).stored())
    assert verdict.faults["incomplete_traces"] == sum(trace % 3 == 2 for trace in range(40))


def test_without_a_store_counts_are_compared() -> None:
    workload = Workload(seed=11, traces=40, block_traces=10)
    world = _perfect(workload)
    assert judge(_all_of(workload), world.decided(), None).clean
    _count_short(world)
    assert judge(_all_of(workload), world.decided(), None).faults["traces_counted_short"] == 1
