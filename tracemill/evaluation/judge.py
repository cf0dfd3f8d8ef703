"""Which verdict does each closed trace get? Every trace by the rule set that held when it closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from tracemill.decode.attributes import texts
from tracemill.evaluation.rows import Traces
from tracemill.evaluation.spans import any_column
from tracemill.expressions.polars_rendering import attribute_column
from tracemill.frame import Frame
from tracemill.sampling import (
    KEEP_EVERYTHING,
    RuleSet,
    Upstream,
    Verdicts,
    chosen,
    decide,
    decide_by_default,
    read_upstream,
)

Mask = npt.NDArray[np.bool_]

STALE: Final = "stale"
"""The policy of spans that came so long after they had ended that nothing is known any longer of their trace."""

NO_RULES: Final = ""
"""Stands for the hash of a rule set where none was ever applied."""


class UnknownRulesError(LookupError):
    """The log names a rule set that this worker doesn't have."""


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

    def judge(
        self, table: pl.DataFrame, traces: Traces, trace_ids: list[bytes], digests: list[str], stale: Mask
    ) -> Judged:
        """Decide.

        Args:
            table: the trace rows without their verdict.
            traces: what they were computed from.
            trace_ids: 16 bytes each.
            digests: the hash of the rule set that holds for each trace.
            stale: which traces are decided by the probability of the default alone.

        Raises:
            UnknownRulesError: one of them isn't known.
        """
        owner = traces.frame.owner.astype(np.int32)
        upstream = read_upstream(trace_ids, pl.Series(pl.from_arrow(traces.frame.spans.trace_state)), owner)
        distinct = set(digests)
        if len(distinct) == 1:
            return Judged(self._one(digests[0], table, traces, owner, upstream, stale), upstream.randomness)
        wanted = np.array(digests)
        parts = [
            (wanted == digest, self._one(digest, table, traces, owner, upstream, stale)) for digest in sorted(distinct)
        ]
        return Judged(woven(parts), upstream.randomness)

    def _one(
        self,
        digest: str,
        table: pl.DataFrame,
        traces: Traces,
        owner: npt.NDArray[np.int32],
        upstream: Upstream,
        stale: Mask,
    ) -> Verdicts:
        rule_set = self._sets.get(digest)
        if rule_set is None:
            raise UnknownRulesError(f"rule set {digest} was applied but isn't in the control topic")
        verdicts = self._by_rules(rule_set, table, traces, owner, upstream)
        if not stale.any():
            return verdicts
        by_default = replace(decide_by_default(rule_set, upstream), policy=pl.Series("policy", [STALE] * len(stale)))
        return woven([(~stale, verdicts), (stale, by_default)])

    @staticmethod
    def _by_rules(
        rule_set: RuleSet, table: pl.DataFrame, traces: Traces, owner: npt.NDArray[np.int32], upstream: Upstream
    ) -> Verdicts:
        once = traces.once
        spans, owners = span_frame(traces.frame, rule_set), owner
        if not once.all():
            spans, owners = (spans.filter(once) if spans.width else spans), owner[once]
        return decide(rule_set, table, spans, owners, upstream)


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
