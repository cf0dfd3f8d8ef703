"""Which verdict does each closed trace get? Every trace by what steered its partition when it closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from tracemill.decode.attributes import texts
from tracemill.evaluation.overriding import overridden
from tracemill.evaluation.rows import Traces
from tracemill.evaluation.spans import any_column
from tracemill.expressions.polars_rendering import attribute_column
from tracemill.frame import Frame
from tracemill.sampling import (
    KEEP_EVERYTHING,
    Before,
    RuleSet,
    Upstream,
    Verdicts,
    chosen,
    decide,
    decide_by_default,
    keep_all,
    read_upstream,
)
from tracemill.sampling.history import History, slot_of
from tracemill.sampling.steering import Steering
from tracemill.schema import ROUTE_P95

Mask = npt.NDArray[np.bool_]

STALE: Final = "stale"
"""The policy of spans that came so long after they had ended that nothing is known any longer of their trace."""

NO_RULES: Final = ""
"""Stands for the hash of a rule set where none was ever applied."""


class UnknownRulesError(LookupError):
    """The log names a rule set that this worker doesn't have."""


class Case(NamedTuple):
    """A closed trace: its id (16 bytes), what steered its partition, what was decided there before, and when it closed.

    All cases that are judged at once and have the same `history` were closed in the same slot of it.
    """

    trace_id: bytes
    steering: Steering
    history: History
    closed_at: int


class Judged(NamedTuple):
    """Verdicts on traces, and the 56 bits of randomness that they were drawn with."""

    verdicts: Verdicts
    randomness: npt.NDArray[np.uint64]


class RuleBook:
    """The rule sets that were ever applied, by their hash."""

    def __init__(self) -> None:
        self._sets = {NO_RULES: KEEP_EVERYTHING}

    def add(self, rule_set: RuleSet) -> None:
        """Know a rule set from now on."""
        self._sets[rule_set.digest] = rule_set

    def __contains__(self, digest: object) -> bool:
        return digest in self._sets

    def judge(self, table: pl.DataFrame, traces: Traces, cases: Sequence[Case], stale: Mask) -> Judged:
        """Decide.

        Args:
            table: the trace rows without their verdict.
            traces: what they were computed from.
            cases: one a trace.
            stale: which traces are decided by the probability of the default alone.

        Raises:
            UnknownRulesError: a rule set isn't known.
        """
        owner = traces.frame.owner.astype(np.int32)
        trace_ids = [case.trace_id for case in cases]
        upstream = read_upstream(trace_ids, pl.Series(pl.from_arrow(traces.frame.spans.trace_state)), owner)
        hearing = _Hearing(table, traces, owner, upstream, cases, stale)
        # By identity: a steering is one object as long as nothing changes, and its hash goes through all overrides.
        known: dict[int, tuple[int, Steering]] = {}
        code = np.array([known.setdefault(id(case.steering), (len(known), case.steering))[0] for case in cases])
        parts = [(code == number, self._one(steering, hearing)) for number, steering in known.values()]
        return Judged(woven(parts), upstream.randomness)

    def p95_ms(self, table: pl.DataFrame, cases: Sequence[Case]) -> pl.Series:
        """The column `route_p95_ms`: null where no rule asks for it, or too little is known of the route."""
        asking = {digest for digest in {case.steering.rules for case in cases} if self._asks(digest)}
        if not asking:
            return pl.repeat(None, table.height, dtype=pl.Float64, eager=True)
        names = table.select("tenant", "route").iter_rows()
        found = [
            case.history.p95_ms(tenant, route, case.closed_at) if case.steering.rules in asking else None
            for (tenant, route), case in zip(names, cases, strict=True)
        ]
        return pl.Series(found, dtype=pl.Float64)

    def _asks(self, digest: str) -> bool:
        return ROUTE_P95 in self._rules(digest).needs.columns

    def _rules(self, digest: str) -> RuleSet:
        rule_set = self._sets.get(digest)
        if rule_set is None:
            raise UnknownRulesError(f"rule set {digest} was applied but isn't in the control topic")
        return rule_set

    def _one(self, steering: Steering, hearing: _Hearing) -> Verdicts:
        rule_set, stale = self._rules(steering.rules), hearing.stale
        verdicts = _by_rules(rule_set, hearing)
        for override in steering.overrides:
            here = overridden(override, hearing.traces, hearing.table["tenant"])
            if here.any():
                verdicts = chosen(here, keep_all(override.policy, hearing.upstream), verdicts)
        if not stale.any():
            return verdicts
        by_default = decide_by_default(rule_set, hearing.upstream)
        return chosen(stale, replace(by_default, policy=pl.Series("policy", [STALE] * len(stale))), verdicts)


class _Hearing(NamedTuple):
    """What is known of the traces that are judged at once."""

    table: pl.DataFrame
    traces: Traces
    owner: npt.NDArray[np.int32]
    upstream: Upstream
    cases: Sequence[Case]
    stale: Mask


def _before(cases: Sequence[Case]) -> Before:
    numbers: dict[int, int] = {}
    group = np.array([numbers.setdefault(id(case.history), len(numbers)) for case in cases])
    first = np.unique(group, return_index=True)[1]
    rates = [cases[place].history.rates(slot_of(cases[place].closed_at)) for place in first]
    return Before(rates, group)


def _by_rules(rule_set: RuleSet, hearing: _Hearing) -> Verdicts:
    once, owners = hearing.traces.once, hearing.owner
    spans = span_frame(hearing.traces.frame, rule_set)
    if not once.all():
        spans, owners = (spans.filter(once) if spans.width else spans), owners[once]
    before = _before(hearing.cases) if rule_set.limited else None
    return decide(rule_set, hearing.table, spans, owners, hearing.upstream, before)


def span_frame(frame: Frame, rule_set: RuleSet) -> pl.DataFrame:
    """The columns of all spans that a rule set's conditions on spans name."""
    needs = rule_set.span_needs
    rows = np.arange(frame.count)
    columns = {name: any_column(frame, name, rows) for name in sorted(needs.columns)}
    columns |= {attribute_column(*pair): _attribute(frame, *pair) for pair in sorted(needs.attributes)}
    return pl.DataFrame({name: pl.from_arrow(column) for name, column in columns.items()})


def _attribute(frame: Frame, source: str, key: str) -> Any:
    if source == "attributes":
        attributes = frame.spans.attributes
        return texts(attributes.values, {key: attributes.index((key,)).first((key,))}, frame.count)[key]
    values = [dict(origin.attributes).get(key, "") for origin in frame.origins]
    return pa.array(values, pa.string()).take(pa.array(frame.origin))


def woven(parts: Sequence[tuple[Mask, Verdicts]]) -> Verdicts:
    """From verdicts on all traces, each trace's from the part whose mask names it."""
    _, result = parts[0]
    for here, verdicts in parts[1:]:
        result = chosen(here, verdicts, result)
    return result
