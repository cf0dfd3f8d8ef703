"""Which traces does a rule set keep? All traces of a flush at once, without Python a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracemill.expressions.polars_rendering import BINARY_IDENTIFIERS, polars_condition, polars_expression
from tracemill.expressions.tree import SPAN_TOTAL, Node
from tracemill.sampling.limits import Rate, lowered
from tracemill.sampling.rules import DEFAULT, Rule, RuleSet
from tracemill.sampling.thresholds import Numbers, Words, adjusted_counts, threshold, thresholds
from tracemill.sampling.tracestate import Upstream
from tracemill.sampling.verdicts import Verdicts

_KEPT_RULE_SETS: Final = 64
_OWNER: Final = "__trace"


class Before(NamedTuple):
    """What was decided before traces: by policy, once for each group of them, and the group of each trace."""

    rates: Sequence[Mapping[str, Rate]]
    group: NDArray[np.int64]


def decide(
    rule_set: RuleSet,
    traces: pl.DataFrame,
    spans: pl.DataFrame,
    trace_of_span: NDArray[np.int32],
    upstream: Upstream,
    before: Before | None = None,
) -> Verdicts:
    """The verdict on each row of `traces`.

    `traces` needs the columns of `rule_set.needs`; `spans` those of `rule_set.span_needs`, identifiers as bytes, and a
    text column `attribute_column(map, key)` for each attribute. `trace_of_span` gives the row in `traces` of each row
    of `spans`, in any order; where the rules need no column of spans, `spans` may have none. Limits look at what was
    decided `before`; where nothing is said about that, they hold nothing back.
    """
    program = _compiled(rule_set)
    matches = program.matches(traces, spans, trace_of_span)
    always = np.ones((1, traces.height), dtype=np.bool_)
    deciding = np.vstack([matches, always]).argmax(axis=0)
    if before is None:
        return program.verdicts(deciding, upstream)
    return program.limited(
        deciding, upstream, np.array(lowered(rule_set.written, before.rates))[before.group, deciding]
    )


def keep_all(policy: str, upstream: Upstream) -> Verdicts:
    """Every trace is kept, and counts once, or for more where samplers upstream have let it through."""
    count = len(upstream.randomness)
    return Verdicts(
        kept=np.ones(count, np.bool_),
        policy=pl.Series("policy", [policy] * count, dtype=pl.String),
        probability=np.ones(count),
        adjusted_count=adjusted_counts(upstream.threshold),
    )


def decide_by_default(rule_set: RuleSet, upstream: Upstream) -> Verdicts:
    """The verdict by the default's probability alone: for spans whose trace is no longer known."""
    program = _compiled(rule_set)
    return program.verdicts(np.full(len(upstream.randomness), len(rule_set.rules)), upstream)


@dataclass(frozen=True, slots=True)
class _Program:
    """A rule set made ready: what to evaluate over spans, then over traces; and by rule, then default, what follows."""

    span_conditions: tuple[pl.Expr, ...]
    trace_conditions: tuple[pl.Expr, ...]
    policies: pl.Series
    probabilities: NDArray[np.float64]
    thresholds: Words

    def matches(self, traces: pl.DataFrame, spans: pl.DataFrame, trace_of_span: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which rules match which traces: rules by traces."""
        if not self.trace_conditions:
            return np.zeros((0, traces.height), dtype=np.bool_)
        if self.span_conditions:
            traces = traces.with_columns(self._counts(traces.height, spans, trace_of_span))
        found = traces.with_columns(self.trace_conditions)
        return np.vstack([found[_rule_column(i)].to_numpy() for i in range(len(self.trace_conditions))])

    def verdicts(self, deciding: NDArray[np.intp], upstream: Upstream) -> Verdicts:
        """What follows where each of these rules (in deciding order; the default last) decides."""
        return self._drawn(deciding, self.probabilities[deciding], self.thresholds[deciding], upstream)

    def limited(self, deciding: NDArray[np.intp], upstream: Upstream, probabilities: Numbers) -> Verdicts:
        """What follows where they decide with other probabilities than they are written with."""
        return self._drawn(deciding, probabilities, thresholds(probabilities), upstream)

    def _drawn(
        self, deciding: NDArray[np.intp], probabilities: Numbers, rejected: Words, upstream: Upstream
    ) -> Verdicts:
        kept = upstream.randomness >= rejected
        effective = np.where(kept, np.maximum(rejected, upstream.threshold), 0).astype(np.uint64)
        return Verdicts(
            kept=kept,
            policy=self.policies.gather(deciding),
            probability=probabilities,
            adjusted_count=np.where(kept, adjusted_counts(effective), 0.0),
        )

    def _counts(self, height: int, spans: pl.DataFrame, trace_of_span: NDArray[np.int32]) -> list[pl.Series]:
        # A condition may need no column at all, as in count_spans(TRUE): the frame's height must not depend on it.
        rows = pl.DataFrame([pl.Series(_OWNER, trace_of_span), *spans.get_columns()])
        found = rows.with_columns(self.span_conditions)
        counts = [pl.Series(SPAN_TOTAL, np.bincount(trace_of_span, minlength=height))]
        for i in range(len(self.span_conditions)):
            matching = trace_of_span[found[_count_column(i)].to_numpy()]
            counts.append(pl.Series(_count_column(i), np.bincount(matching, minlength=height)))
        return counts


@lru_cache(maxsize=_KEPT_RULE_SETS)
def _compiled(rule_set: RuleSet) -> _Program:
    rules = rule_set.deciding_order
    quantifiers = list(dict.fromkeys(node for rule in rules for node in rule.condition.quantifiers))
    probabilities = [probability for _, probability, _ in rule_set.written]
    return _Program(
        span_conditions=tuple(_span_condition(i, node) for i, node in enumerate(quantifiers)),
        trace_conditions=tuple(_trace_condition(i, rule, quantifiers) for i, rule in enumerate(rules)),
        policies=pl.Series("policy", [*(rule.name for rule in rules), DEFAULT]),
        probabilities=np.array(probabilities, dtype=np.float64),
        thresholds=np.array([threshold(one) for one in probabilities], dtype=np.uint64),
    )


def _span_condition(index: int, node: Node) -> pl.Expr:
    condition = polars_expression(node, access=BINARY_IDENTIFIERS).fill_null(value=False)
    return condition.alias(_count_column(index))


def _trace_condition(index: int, rule: Rule, quantifiers: Sequence[Node]) -> pl.Expr:
    counts = [_count_column(quantifiers.index(node)) for node in rule.condition.quantifiers]
    return polars_condition(rule.condition, counts).alias(_rule_column(index))


def _count_column(index: int) -> str:
    return f"__q{index}"


def _rule_column(index: int) -> str:
    return f"__rule{index}"
