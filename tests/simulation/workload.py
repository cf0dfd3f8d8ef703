"""Strategies: small limits, records of every kind, and what happens to workers meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.builders.bundles import START_NS, S
from tests.simulation import log
from tests.simulation.log import Entry, Log
from tests.simulation.rules import PROBE, RULE_SETS
from tracemill.config import Assembly

NOW_MS = START_NS // 1_000_000
TRACES = (0x0110, 0x0150, 0x0190, 0x01D0)
"""Traces whose randomness is about 0.06, 0.31, 0.56 and 0.81: a probability keeps some of them."""


def weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of the strategies, each as often as its weight says: `one_of` takes all alike."""
    places = [place for place, (weight, _) in enumerate(choices) for _ in range(weight)]
    return st.sampled_from(places).flatmap(lambda place: choices[place][1])


LIMITS = st.builds(
    Assembly,
    quiet_period_ms=st.sampled_from([20, 30]),
    max_idle_ms=st.sampled_from([40, 60, 200]),
    max_age_ms=st.sampled_from([70, 150, 300]),
    max_spans=st.sampled_from([3, 9, 1_000]),
    max_trace_bytes=st.sampled_from([300, 10_000]),
    partition_bytes=st.sampled_from([4_000, 8_000, 20_000, 1_000_000]),
    carry_after_ms=st.sampled_from([5, 10, 40, 100]),
    late_grace_ms=st.sampled_from([1, 50, 10_000]),
    late_grace_bytes=st.sampled_from([1, 10_000]),
    memory_horizon_ms=st.sampled_from([310, 400, 1_000]),
)


STEPS_MS = weighted(
    (16, st.integers(0, 45)),
    (4, st.integers(-15, 45)),
    (2, st.sampled_from([90, 350])),
    (1, st.sampled_from([-3_000, -400, 1_500])),
)
"""How much later a record is appended than the one before it: clocks are set, now and then by much."""

SPANS = st.builds(
    S,
    trace=st.sampled_from(TRACES),
    span=st.integers(0, 6),
    parent=st.sampled_from([None, 0, 0, 1, 2, 9]),
    name=st.sampled_from(["step", "step", PROBE]),
    start_ms=st.sampled_from([0, 0, 0, 0, -5, -10_000]),
    duration_ms=st.integers(0, 3),
    error=st.sampled_from([False, False, False, True]),
    attributes=st.sampled_from([{}, {}, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}]),
)
SENT = st.lists(st.tuples(st.sampled_from(["acme", "acme", "zeta"]), SPANS), min_size=1, max_size=4)


@dataclass(frozen=True)
class Sent:
    """Spans by tenant, which began just before they are appended, or long ago; of some traces a part is `broken`."""

    spans: list[tuple[str, S]]
    broken: tuple[int, ...] = ()

    def entry(self, _log: Log, append_ms: int, now_ms: int) -> Entry:
        begun = now_ms - NOW_MS
        spans = [(tenant, replace(one, start_ms=one.start_ms + begun)) for tenant, one in self.spans]
        return log.sent(append_ms, spans, self.broken)


@dataclass(frozen=True)
class Again:
    """A bundle that was sent before: its client never heard of it."""

    back: int

    def entry(self, before: Log, append_ms: int, _now_ms: int) -> Entry:
        bundles = [entry for entry in before.entries if entry.plain]
        return replace(bundles[-1 - self.back % len(bundles)], append_ms=append_ms) if bundles else log.tick(append_ms)


@dataclass(frozen=True)
class Rules:
    """Another rule set holds."""

    which: int

    def entry(self, _log: Log, append_ms: int, _now_ms: int) -> Entry:
        return log.applies(append_ms, RULE_SETS[self.which])


@dataclass(frozen=True)
class Unreadable:
    """Nobody can read it; the time goes on."""

    which: int

    def entry(self, _log: Log, append_ms: int, _now_ms: int) -> Entry:
        return log.unreadable(append_ms, self.which)


@dataclass(frozen=True)
class Tick:
    """The time goes on."""

    def entry(self, _log: Log, append_ms: int, _now_ms: int) -> Entry:
        return log.tick(append_ms)


Draft = Sent | Again | Rules | Unreadable | Tick
"""What is appended; `entry` is told what was before, when it is appended, and the log time that it has then."""

DRAFTS = weighted(
    (60, st.builds(Sent, SENT)),
    (8, st.builds(Again, st.integers(0, 6))),
    (8, st.just(Tick())),
    (4, st.builds(Rules, st.integers(0, len(RULE_SETS) - 1))),
    (2, st.builds(Unreadable, st.integers(0, len(log.UNREADABLE) - 1))),
    (2, st.builds(Sent, SENT, st.just((TRACES[0],)))),
)
