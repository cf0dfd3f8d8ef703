"""All traces of many made-up worlds, and which of them the real sampler keeps, with which weight.

A world is some minutes of a system: tenants and routes of very different sizes, costs and latencies with heavy tails,
traces with no tool call or dozens, health checks, rare errors, spans that come late, a tenant whose traces were thinned
out before they came, a route with a limit, and somebody who promotes traces by hand. Worlds lie one after the other in
the same arrays, so that thousands of them cost no more than a few frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracemill.assembly.trace import Verdict
from tracemill.evaluation.verdicts import Settled
from tracemill.sampling import RuleSet, Upstream, Verdicts, decide, read_upstream
from tracemill.sampling.thresholds import encode_threshold, threshold

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

TENANTS: Final = {"batch": 0.55, "shop": 0.3, "edge": 0.1, "lab": 0.05}
ROUTES: Final = {"/chat": 0.5, "/search": 0.3, "/report": 0.15, "/admin": 0.05}
TOOLS: Final = {"search": 0.6, "sql": 0.15, "mail": 0.25}
"""Each with its share."""
MINUTES: Final = 4
SEARCH: Final = list(TOOLS).index("search")
_EDGE: Final = list(TENANTS).index("edge")
_CHAT: Final = list(ROUTES).index("/chat")

RULES: Final = """
version: 1
rules:
  - {{name: health-checks, drop: "root_name = 'GET /healthz' AND error_count = 0"}}
  - {{name: errors, keep: error_count > 0}}
  - {{name: slow, keep: duration_ms > 30000}}
  - {{name: expensive, keep: cost_usd > 0.5}}
  - {{name: queries, when: "tenant <> 'batch' AND any_span(tool_name = 'sql')", probability: 0.5}}
  - {{name: chats, when: "tenant <> 'batch' AND route = '/chat'", probability: {chats}}}
default:
  probability: {default}
"""
CHATS: Final = 0.5
CHATS_A_MINUTE: Final = 40
"""What the rule for chats keeps at most: its probability in a minute follows from how many matched before."""
UPSTREAM: Final = 0.25
"""The share of the tenant `edge` that comes through to us."""
BY_HAND: Final = 0.01
"""The share that is promoted by hand before its late spans come, and as many afterwards."""


@dataclass(frozen=True, slots=True)
class Traces:
    """One row a trace, those of a world side by side; `early` is what was known of it before its late spans came."""

    world: Ints
    tenant: Ints
    route: Ints
    minute: Ints
    health: Mask
    errors: Ints
    duration_ms: Reals
    cost_usd: Reals
    flagged: Mask
    late: Mask
    early_errors: Ints
    early_cost_usd: Reals
    ids: bytes

    def __len__(self) -> int:
        return len(self.world)


@dataclass(frozen=True, slots=True)
class Calls:
    """One row a tool call: the row of the trace that it belongs to, and what is known of it."""

    trace: Ints
    tool: Ints
    duration_ms: Reals
    cached: Mask


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of each trace: whether it is stored, its weight, and with which probability one like it is counted,
    samplers upstream included: 0 for what a drop rule drops, of which nothing is ever known. `moved` are those whose
    verdict late spans moved."""

    stored: Mask
    weight: Reals
    probability: Reals
    moved: Mask


@dataclass(frozen=True, slots=True)
class Worlds:
    """So many worlds."""

    count: int
    traces: Traces
    calls: Calls
    kept: Kept


def worlds(seed: int, count: int, size: int, default: float) -> Worlds:
    """So many worlds of about `size` traces each, sampled by the rules with this default probability."""
    dice = np.random.default_rng(seed)
    traces = _traces(dice, count, size)
    calls = _calls(dice, traces)
    return Worlds(count, traces, calls, _Sampler(traces, calls, default, count).kept(dice))


def _traces(dice: np.random.Generator, count: int, size: int) -> Traces:
    world = np.repeat(np.arange(count), dice.poisson(size, count))
    rows = len(world)
    tenant, route = _drawn(dice, TENANTS, rows), _drawn(dice, ROUTES, rows)
    health = dice.random(rows) < 0.1
    error_share = np.exp(dice.uniform(np.log(0.001), np.log(0.2), count))
    errors = (dice.random(rows) < error_share[world]) * dice.integers(1, 4, rows)
    cost_usd = np.where(health, 0.0, np.exp(dice.normal(-4.5, 1.3, rows) + 0.4 * route))
    late = dice.random(rows) < 0.03
    return Traces(
        world=world,
        tenant=tenant,
        route=route,
        minute=(MINUTES * dice.random(rows) ** 1.5).astype(np.int64),
        health=health,
        errors=errors,
        duration_ms=np.where(health, 2.0, np.exp(dice.normal(7.5, 1.1, rows) + 0.3 * tenant)),
        cost_usd=cost_usd,
        flagged=dice.random(rows) < 0.15,
        late=late,
        early_errors=np.where(late, 0, errors),
        early_cost_usd=np.where(late, cost_usd * dice.random(rows), cost_usd),
        ids=dice.bytes(16 * rows),
    )


def _calls(dice: np.random.Generator, traces: Traces) -> Calls:
    """Most traces call no tool, or one or two, some go round in circles; calls of one trace are alike."""
    rows = len(traces)
    each = np.where(traces.health, 0, dice.geometric(0.4, rows) - 1)
    owner = np.repeat(np.arange(rows), np.where(dice.random(rows) < 0.03, each * 8, each))
    pace, habit = dice.normal(5, 0.8, rows), dice.random(rows)
    return Calls(
        trace=owner,
        tool=np.where(habit[owner] < 0.5, SEARCH, _drawn(dice, TOOLS, len(owner))),
        duration_ms=np.exp(dice.normal(0, 0.7, len(owner)) + pace[owner]),
        cached=dice.random(len(owner)) < habit[owner] * 0.6,
    )


def _drawn(dice: np.random.Generator, shares: dict[str, float], rows: int) -> Ints:
    return np.searchsorted(np.cumsum(list(shares.values())), dice.random(rows), side="right").clip(max=len(shares) - 1)


@lru_cache(maxsize=256)
def _rules(default: float, chats: float) -> RuleSet:
    return RuleSet.parse(RULES.format(default=default, chats=chats))


class _Sampler:
    """Decides as a stream worker does, many worlds at once."""

    def __init__(self, traces: Traces, calls: Calls, default: float, count: int) -> None:
        self._traces, self._calls, self._default = traces, calls, default
        ids = [traces.ids[at : at + 16] for at in range(0, len(traces.ids), 16)]
        states = pl.Series(["", f"ot=th:{encode_threshold(threshold(UPSTREAM))}"]).gather(traces.tenant == _EDGE)
        self._upstream = read_upstream(ids, states, np.arange(len(ids), dtype=np.int32))
        self._came = (traces.tenant != _EDGE) | (self._upstream.threshold > 0)
        self._chats = self._limited(count)

    def kept(self, dice: np.random.Generator) -> Kept:
        """First decisions, promotions by hand before and after the late spans, and what those move."""
        traces, by_hand = self._traces, dice.random(len(self._traces))
        first = self._decided(np.arange(len(traces)), traces.early_errors, traces.early_cost_usd, 0)
        stored = first.kept | (by_hand < BY_HAND)
        weight, probability, moved = first.adjusted_count.copy(), first.probability.copy(), np.zeros(len(traces), bool)
        late = np.nonzero(traces.late)[0]
        settled = Settled.of(self._decided(late, traces.errors, traces.cost_usd, 1))
        for place, row in enumerate(late.tolist()):
            before = Verdict(bool(stored[row]), "before", float(probability[row]), float(weight[row]), "")
            settled.follow(place, "", before, fresh=True, whole=True)
        stored[late], weight[late], probability[late] = settled.keep, settled.adjusted_count, settled.probability
        moved[late] = settled.rewritten
        stored |= by_hand > 1 - BY_HAND
        probability = np.where(traces.tenant == _EDGE, np.minimum(probability, UPSTREAM), probability)
        return Kept(stored & self._came, np.where(self._came, weight, 0.0), probability, moved)

    def _limited(self, count: int) -> Reals:
        """The probability of chats by world and minute, from how many came in the minutes before; two digits."""
        traces = self._traces
        chats = self._came & (traces.route == _CHAT)
        matched = np.zeros((count, MINUTES))
        np.add.at(matched, (traces.world[chats], traces.minute[chats]), 1)
        before = np.cumsum(matched, axis=1)[:, :-1] / np.arange(1, MINUTES)
        limited = np.minimum(CHATS, CHATS_A_MINUTE / np.maximum(before, 1))
        return np.hstack([np.full((count, 1), CHATS), np.maximum(np.floor(limited * 100) / 100, 0.01)])

    def _decided(self, rows: Ints, errors: Ints, cost_usd: Reals, minutes_later: int) -> Verdicts:
        """What the rules say of these traces; those in force depend on the minute."""
        traces = self._traces
        minute = np.minimum(traces.minute[rows] + minutes_later, MINUTES - 1)
        chats = self._chats[traces.world[rows], minute]
        frame = pl.DataFrame(
            {
                "root_name": pl.Series(["POST /", "GET /healthz"]).gather(traces.health[rows]),
                "tenant": pl.Series(list(TENANTS)).gather(traces.tenant[rows]),
                "route": pl.Series(list(ROUTES)).gather(traces.route[rows]),
                "error_count": errors[rows],
                "duration_ms": traces.duration_ms[rows],
                "cost_usd": cost_usd[rows],
            }
        )
        known = np.ones(len(traces), np.bool_) if minutes_later else ~traces.late
        found = Verdicts(
            np.zeros(len(rows), bool), pl.Series([""] * len(rows)), np.zeros(len(rows)), np.zeros(len(rows))
        )
        for probability in np.unique(chats):
            here = np.nonzero(chats == probability)[0]
            spans, owners = self._spans(rows[here], known)
            upstream = Upstream(self._upstream.randomness[rows[here]], self._upstream.threshold[rows[here]])
            verdicts = decide(_rules(self._default, float(probability)), frame[here], spans, owners, upstream)
            found.kept[here], found.probability[here] = verdicts.kept, verdicts.probability
            found.adjusted_count[here] = verdicts.adjusted_count
        return found

    def _spans(self, rows: Ints, known: Mask) -> tuple[pl.DataFrame, NDArray[np.int32]]:
        """The tool calls of these traces, as far as they are known, and the place of each one's trace among them."""
        place = np.full(len(self._traces), -1, np.int32)
        place[rows] = np.where(known[rows], np.arange(len(rows)), -1)
        owners = place[self._calls.trace]
        spans = pl.Series("tool_name", list(TOOLS)).gather(self._calls.tool[owners >= 0])
        return spans.to_frame(), owners[owners >= 0]
