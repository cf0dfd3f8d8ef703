"""Six ways in which the Collector's tail sampling was known to break a trace's decision, and what happens here.

Each is named after its issue or change in opentelemetry-collector-contrib, and played on a simulated partition whose
worker is killed, or whose spans have left memory, at the worst moment.
"""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa
import pytest

from tests.builders.bundles import S, span_id
from tests.simulation.acts import Act, Displace, Kill, Work
from tests.simulation.partition import Partition
from tests.simulation.rules import CAREFUL, HALF, PROBE, RULE_SETS, THRIFTY
from tests.simulation.workload import TRACES, Draft, Rules, Sent, Tick
from tracemill.config import Assembly
from tracemill.sampling import RuleSet

LIMITS = Assembly(
    quiet_period_ms=20, max_idle_ms=200, max_age_ms=300, carry_after_ms=10, late_grace_ms=1, memory_horizon_ms=2_000
)
SELDOM, _, _, OFTEN = TRACES
"""Traces with little and with much randomness: a probability of a quarter drops the one and keeps the other."""

MEANWHILE = pytest.mark.parametrize(
    "meanwhile", [[], [Kill()], [Displace()]], ids=["one worker", "killed", "taken over"]
)


def applied(rules: RuleSet) -> Work:
    return step((0, Rules(RULE_SETS.index(rules))))


def sent(*spans: S) -> Sent:
    return Sent([("acme", span) for span in spans])


def step(*records: tuple[int, Draft]) -> Work:
    """These are appended, read, and what closed is written."""
    return Work(list(records), len(records), None)


QUIET = step((30, Tick()), (30, Tick()))
"""Long enough for what was open to be decided, and for what was decided to leave memory."""


def played(*acts: Act) -> Partition:
    """A partition after all of that, which is also what an independent reader makes of it."""
    partition = Partition(LIMITS)
    partition.start()
    for act in acts:
        act.on(partition)
        partition.check()
    partition.drain()
    partition.verify()
    return partition


def told(partition: Partition) -> list[tuple[str, str, int]]:
    """Decision, policy and number of spans of each revision on `traces.v1`."""
    rows = [orjson.loads(line) for line in dict.fromkeys(partition.topics.traces)]
    return [(row["decision"], row["policy"], row["span_count"]) for row in rows]


def stored(partition: Partition, *columns: str) -> dict[int, tuple[Any, ...]]:
    """By the number of a span on `spans.v1` what it says of itself last."""
    rows = [row for table in partition.topics.spans for row in pa.table(table).to_pylist()]
    numbers = {span_id(number): number for number in range(10)}
    return {numbers[row["span_id"]]: tuple(row[name] for name in columns) for row in rows}


@MEANWHILE
@pytest.mark.parametrize(
    ("first", "late", "decision", "kept"),
    [
        (S(trace=OFTEN, span=0, name=PROBE), S(trace=OFTEN, span=1, parent=0), ("drop", "probes"), []),
        (S(trace=SELDOM, span=0, error=True), S(trace=SELDOM, span=1, parent=0), ("keep", "errors"), [0, 1]),
    ],
    ids=["dropped", "kept"],
)
def test_14760_late_span_decided_by_itself(
    meanwhile: list[Act], first: S, late: S, decision: tuple[str, str], kept: list[int]
) -> None:
    """There the policies vote on a late span alone, and trace and span part; here it follows its trace."""
    partition = played(applied(CAREFUL), step((1, sent(first))), QUIET, *meanwhile, step((1, sent(late))))
    assert told(partition) == [(*decision, 1), (*decision, 2)]
    assert sorted(stored(partition)) == kept


@MEANWHILE
def test_37189_not_sampled_is_forgotten(meanwhile: list[Act]) -> None:
    """There "not sampled" is remembered only once a late span came; here what was dropped is, like what was kept."""
    root, others = S(trace=OFTEN, span=0, name=PROBE), [S(trace=OFTEN, span=number, parent=0) for number in (1, 2)]
    partition = played(
        applied(CAREFUL),
        step((1, sent(root))),
        QUIET,
        *meanwhile,
        step((500, sent(others[0]))),
        QUIET,
        *meanwhile,
        step((500, sent(others[1]))),
    )
    assert told(partition) == [("drop", "probes", 1), ("drop", "probes", 2), ("drop", "probes", 3)]
    assert stored(partition) == {}
    assert partition.seen["brought back from the log"] > 0


@MEANWHILE
def test_50623_late_spans_without_their_threshold(meanwhile: list[Act]) -> None:
    """There late spans don't get the trace's threshold, so that weights differ within it; here all spans have one."""
    first, late = S(trace=OFTEN, span=0), S(trace=OFTEN, span=1, parent=0)
    partition = played(
        applied(HALF), step((1, sent(first))), QUIET, *meanwhile, applied(CAREFUL), step((1, sent(late)))
    )
    assert stored(partition, "trace_state", "probability", "adjusted_count", "policy") == dict.fromkeys(
        (0, 1), ("ot=th:8", 0.5, 2.0, "default")
    )


@MEANWHILE
def test_47476_early_decision_contradicted_later(meanwhile: list[Act]) -> None:
    """There a trace is let through that a later span would have dropped; here nothing is, before it is complete."""
    crowd = [S(trace=OFTEN, span=number, parent=9) for number in range(6)]
    root = S(trace=OFTEN, span=9, name=PROBE)
    partition = played(applied(THRIFTY), step((1, sent(*crowd))), QUIET, *meanwhile, step((1, sent(root))))
    assert told(partition) == [("drop", "probes", 7)]
    assert partition.topics.spans == []


@MEANWHILE
def test_13865_span_count_of_a_part(meanwhile: list[Act]) -> None:
    """There spans are counted in a batch, a part of the trace; here in all of it, in however many records it came."""
    crowd = [S(trace=SELDOM, span=number, parent=number - 1 if number else None) for number in range(6)]
    parts: list[Act] = [act for span in crowd for act in (step((15, sent(span))), *meanwhile)]
    partition = played(applied(THRIFTY), *parts)
    assert told(partition) == [("keep", "crowds", 6)]
    assert sorted(stored(partition)) == list(range(6))


@pytest.mark.parametrize("meanwhile", [[Kill()], [Displace()], [Kill(), Kill()]])
def test_26490_open_traces_lost_at_restart(meanwhile: list[Act]) -> None:
    """There what waits for its decision is gone with the process; here it is read again, also far behind the commit."""
    partition = played(
        step((0, sent(S(trace=OFTEN, span=1, parent=0)))),
        QUIET,
        *meanwhile,
        step((60, sent(S(trace=OFTEN, span=0, start_ms=-130)))),
    )
    assert partition.seen["carried over a restart"] > 0
    assert told(partition) == [("keep", "default", 2)]
    assert sorted(stored(partition)) == [0, 1]
