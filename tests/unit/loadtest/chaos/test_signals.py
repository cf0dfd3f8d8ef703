"""Signals that count everything once are found to be right; what is missing, doubled or wrong is found."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from loadtest.chaos.signals import Signals, check_signals
from tests.builders.chaotic import left

Plant = Callable[[Signals], None]


def _first(signals: Signals, kind: str) -> tuple[str, str, str]:
    return next(identity for identity in signals.latest if identity[0] == kind)


def _lose(kind: str) -> Plant:
    return lambda signals: signals.latest.pop(_first(signals, kind)) and None


def _add(kind: str, **values: object) -> Plant:
    def plant(signals: Signals) -> None:
        signals.take(orjson.dumps(signals.latest[_first(signals, kind)] | values))

    return plant


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (lambda _: None, {}),
        (_lose("trace"), {"traces not counted": 1}),
        (_lose("llm_call"), {"calls not counted": 1}),
        (_add("trace", trace_id="00" * 16), {"traces counted without reason": 1}),
        (_add("llm_call", id="00" * 8), {"calls counted without reason": 1}),
        (_add("trace", span_count=99), {"told twice, differently": 1}),
        (_add("trace", revision=9), {"traces counted wrongly": 1}),
    ],
)
def test_everything_counts_once(plant: Plant, found: dict[str, int]) -> None:
    there = left()
    plant(there.signals)
    findings = check_signals(there.truth, there.signals)
    assert findings.looked_at > 400
    assert {what: count for what, count in findings.counts.items() if count} == found


def test_the_highest_revision_counts_whatever_comes_last() -> None:
    signals = Signals()
    for revision in (1, 3, 2, 3):
        signals.take(orjson.dumps({"type": "trace", "trace_id": "a", "id": "a", "revision": revision}))
    assert [signal["revision"] for signal in signals.latest.values()] == [3]
    assert signals.contradictions == []
