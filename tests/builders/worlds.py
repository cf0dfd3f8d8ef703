"""All traces of many made-up worlds, and which of them the real sampler keeps, with which weight.

A world is some minutes of a system: tenants and routes of very different sizes, costs and latencies with heavy tails,
traces with no tool call or dozens, health checks, rare errors, spans that come late, a tenant whose traces were thinned
out before they came, a route with a limit, and somebody who promotes traces by hand. Worlds lie one after the other in
the same arrays, so that thousands of them cost no more than a few frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracemill.assembly.trace import Verdict
from tracemill.evaluation.verdicts import Arrived, Settled
from tracemill.sampling import Before, RuleSet, Upstream, Verdicts, decide, read_upstream
from tracemill.sampling.limits import Rate
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

CHATS: Final = 0.5
RULES: Final = f"""
version: 1
rules:
  - {{name: health-checks, drop: "root_name = 'GET /healthz' AND error_count = 0"}}
  - {{name: errors, keep: error_count > 0}}
  - {{name: slow, keep: duration_ms > 30000}}
  - {{name: expensive, keep: cost_usd > 0.5}}
  - {{name: queries, when: "tenant <> 'batch' AND any_span(tool_name = 'sql')", probability: 0.5}}
  - name: chats
    when: tenant <> 'batch' AND route = '/chat'
    probability: {CHATS}
    limit: {{traces_per_minute: 40}}
default:
  probability: DEFAULT
"""
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


class _Sampler:
    """Decides as a stream worker does, minute by minute, many worlds at once."""

    def __init__(self, traces: Traces, calls: Calls, default: float, count: int) -> None:
        self._traces, self._calls, self._count = traces, calls, count
        self._rules = RuleSet.parse(RULES.replace("DEFAULT", str(default)))
        ids = [traces.ids[at : at + 16] for at in range(0, len(traces.ids), 16)]
        states = pl.Series(["", f"ot=th:{encode_threshold(threshold(UPSTREAM))}"]).gather(traces.tenant == _EDGE)
        self._upstream = read_upstream(ids, states, np.arange(len(ids), dtype=np.int32))
        self._came = (traces.tenant != _EDGE) | (self._upstream.threshold > 0)
        self._chats = np.zeros(count, np.int64)
        rows = len(traces)
        self._stored, self._moved = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
        self._weight, self._probability = np.zeros(rows), np.zeros(rows)

    def kept(self, dice: np.random.Generator) -> Kept:
        """What is decided at first, what of it late spans and promotions by hand move, and what is known of it then."""
        by_hand = dice.random(len(self._traces))
        for minute in range(MINUTES):
            rows = np.nonzero(self._traces.minute == minute)[0]
            self._first(rows, by_hand[rows] < BY_HAND)
            self._again(rows[self._traces.late[rows]], Arrived(fresh=True, whole=True))
            self._again(rows[by_hand[rows] > 1 - BY_HAND], Arrived(fresh=False, whole=True, promoted="feedback"))
        probability = np.where(self._traces.tenant == _EDGE, np.minimum(self._probability, UPSTREAM), self._probability)
        return Kept(self._stored & self._came, np.where(self._came, self._weight, 0.0), probability, self._moved)

    def _first(self, rows: Ints, by_hand: Mask) -> None:
        traces = self._traces
        verdicts = self._decided(rows, ~traces.late, traces.early_errors, traces.early_cost_usd)
        chats = rows[(verdicts.policy == "chats").to_numpy() & self._came[rows]]
        self._chats = np.bincount(traces.world[chats], minlength=self._count)
        settled = Settled.of(verdicts)
        for place in np.nonzero(by_hand)[0].tolist():
            settled.promote(place, "", "request")
        self._keep(rows, settled)

    def _again(self, rows: Ints, arrived: Arrived) -> None:
        traces = self._traces
        settled = Settled.of(self._decided(rows, np.ones(len(traces), np.bool_), traces.errors, traces.cost_usd))
        for place, row in enumerate(rows.tolist()):
            before = Verdict(
                bool(self._stored[row]), "before", float(self._probability[row]), float(self._weight[row]), ""
            )
            settled.follow(place, "", before, arrived)
        self._keep(rows, settled)
        self._moved[rows] |= settled.rewritten

    def _keep(self, rows: Ints, settled: Settled) -> None:
        self._stored[rows], self._probability[rows] = settled.keep, settled.probability
        self._weight[rows] = settled.adjusted_count

    def _decided(self, rows: Ints, known: Mask, errors: Ints, cost_usd: Reals) -> Verdicts:
        """What the rules say of these traces, where the calls of traces that are `known` have come."""
        traces = self._traces
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
        place = np.full(len(traces), -1, np.int32)
        place[rows] = np.where(known[rows], np.arange(len(rows)), -1)
        owners = place[self._calls.trace]
        spans = pl.Series("tool_name", list(TOOLS)).gather(self._calls.tool[owners >= 0]).to_frame()
        upstream = Upstream(self._upstream.randomness[rows], self._upstream.threshold[rows])
        before = Before([{"chats": Rate(traces=float(chats))} for chats in self._chats], traces.world[rows])
        return decide(self._rules, frame, spans, owners[owners >= 0], upstream, before)
