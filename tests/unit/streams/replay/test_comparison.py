"""Sums of a replay: what was kept, what would be, and which lost traces weigh most."""

from __future__ import annotations

from streams.replay.comparison import TOTAL, Comparison
from streams.replay.sides import Decision, Told

KEPT, DROPPED = Decision(True, "errors"), Decision(False, "default")


def told(decision: Decision, name: str = "a", errors: int = 0, cost_usd: float = 0.0) -> Told:
    return Told("acme", name, "shop", "chat", 4, 100, errors, 5.0, cost_usd, decision)


def test_what_is_lost_and_what_is_gained() -> None:
    found = Comparison(most=10)
    found.add(told(DROPPED), KEPT)
    found.add(told(KEPT), DROPPED)
    found.add(told(KEPT), KEPT)
    total = found.lines["total"][TOTAL]
    assert (total.came.traces, total.kept.traces, total.would_keep.traces) == (3, 2, 2)
    assert (found.lost.traces, found.gained.traces, found.lost.bytes) == (1, 1, 100)
    assert [(lost.kept_by, lost.told.decision.policy) for lost in found.worst] == [("errors", "default")]


def test_a_trace_counts_where_it_was_and_where_it_would_be() -> None:
    found = Comparison(most=0)
    found.add(told(DROPPED), KEPT)
    by_rule = found.document()["by_rule"]
    assert (by_rule["errors"]["kept"]["traces"], by_rule["errors"]["came"]["traces"]) == (1, 0)
    assert (by_rule["default"]["came"]["traces"], by_rule["default"]["would_keep"]["traces"]) == (1, 0)


def test_the_lost_traces_that_weigh_most_are_named() -> None:
    found = Comparison(most=2)
    for name, errors, cost in (("a", 0, 9.0), ("b", 2, 0.0), ("c", 0, 1.0), ("d", 1, 0.0)):
        found.add(told(DROPPED, name, errors, cost), KEPT)
    assert [lost.told.trace_id for lost in found.worst] == ["b", "d"]
    assert found.lost.traces == 4


def test_a_trace_of_which_nothing_was_decided_is_only_counted() -> None:
    found = Comparison(most=1)
    found.add(told(DROPPED), None)
    assert (found.undecided, found.document()["came"]["traces"]) == (1, 0)
