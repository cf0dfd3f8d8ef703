"""What was there in all traces, and what is said of it from the kept ones: question by question, group by group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from tests.builders.worlds import MINUTES, ROUTES, SEARCH, TENANTS, Worlds
from tracemill.estimates import Estimate, quantile, ratio, share, total

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

GROUPS = {"all": 1, "tenant": len(TENANTS), "route": len(ROUTES), "minute": MINUTES}
"""How many groups there are of each kind."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something to be asked of rows, which are traces or calls.

    `say` is given the kept rows' weights, columns and traces; `truth` the columns of all rows. `matters` is a column of
    traces that says which of them are asked about.
    """

    name: str
    columns: tuple[str, ...]
    say: Callable[[Reals, list[Reals], Ints], Estimate]
    truth: Callable[[list[Reals]], float]
    matters: str = "one"
    of_calls: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """To a question about one group of one world.

    `expected` is how many of those traces are kept on average that matter and are kept least likely (within a factor of
    two); infinite where all are kept. `kept` is what an observer sees of that: kept traces that matter and have the
    largest weight among them, or half of it.
    """

    question: str
    kind: str
    group: int
    world: int
    truth: float
    said: Estimate
    expected: float
    kept: int

    @property
    def holds(self) -> bool:
        """Whether the truth is in the interval; sums may differ in their last digits."""
        slack = 1e-9 * abs(self.truth)
        return self.said.low - slack <= self.truth <= self.said.high + slack


def _sum(name: str, say: Callable[..., Estimate], *columns: str, matters: str | None = None) -> Question:
    def truth(values: list[Reals]) -> float:
        sums = [float(value.sum()) for value in values]
        return sums[0] / sums[1] if len(sums) > 1 else sums[0]

    return Question(name, columns, lambda weights, values, _: say(weights, *values), truth, matters or columns[-1])


def _quantile(name: str, q: float, column: str, matters: str, of_calls: bool) -> Question:
    def said(weights: Reals, values: list[Reals], owners: Ints) -> Estimate:
        return quantile(weights, values[0], q, owners if of_calls else None)

    def truth(values: list[Reals]) -> float:
        return float(np.partition(values[0], place := ceil(q * len(values[0]) - 1e-9) - 1)[place])

    return Question(name, (column,), said, truth, matters, of_calls)


EXACT_ERRORS = "error share, errors kept"
QUESTIONS = (
    _sum("traces", total, "one"),
    _sum("cost", total, "cost_usd"),
    _sum("searches", total, "searches"),
    _sum("flagged share", share, "flagged", "one"),
    _sum("error share", share, "failed", "one"),
    _sum(EXACT_ERRORS, ratio, "failed", "one"),
    _sum("cached share of searches", share, "cached", "searches"),
    _sum("mean cost", ratio, "cost_usd", "one", matters="cost_usd"),
    _sum("time of a search", ratio, "searched_ms", "searches"),
    _quantile("p50 of traces", 0.5, "duration_ms", "one", False),
    _quantile("p95 of traces", 0.95, "duration_ms", "one", False),
    _quantile("p95 of searches", 0.95, "search_ms", "searches", True),
)


def answers(worlds: Worlds) -> Iterator[Answer]:
    """All questions, asked of all groups of all worlds, wherever there is something to ask about."""
    facts = _facts(worlds)
    for kind in GROUPS:
        groups = _Groups(worlds, kind, facts)
        for question in QUESTIONS:
            yield from groups.ask(question)


def _facts(worlds: Worlds) -> dict[str, Reals]:
    """Columns of traces, and of searches."""
    traces, calls = worlds.traces, worlds.calls
    search = np.nonzero(calls.tool == SEARCH)[0]
    owner, rows = calls.trace[search], len(traces)
    return {
        "one": np.ones(rows),
        "cost_usd": traces.cost_usd,
        "duration_ms": traces.duration_ms,
        "flagged": traces.flagged.astype(float),
        "failed": (traces.errors > 0).astype(float),
        "searches": np.bincount(owner, minlength=rows).astype(float),
        "cached": np.bincount(owner, calls.cached[search], rows),
        "searched_ms": np.bincount(owner, calls.duration_ms[search], rows),
        "search_ms": calls.duration_ms[search],
        "search_of": owner,
    }


class _Groups:
    """The groups of one kind: their traces and searches, all of them and those that are counted."""

    def __init__(self, worlds: Worlds, kind: str, facts: dict[str, Reals]) -> None:
        traces, self._kept = worlds.traces, worlds.kept
        keys = {"all": 0, "tenant": traces.tenant, "route": traces.route, "minute": traces.minute}
        group = traces.world * GROUPS[kind] + keys[kind]
        self._kind, self._facts, self._number = kind, facts, worlds.count * GROUPS[kind]
        self._owners = [np.arange(len(traces)), facts["search_of"].astype(np.int64)]
        self._there = [self._cut(group[owner], self._kept.probability[owner]) for owner in self._owners]
        self._counted = [self._cut(group[owner], self._kept.weight[owner]) for owner in self._owners]

    def _cut(self, group: Ints, wanted: Reals) -> list[Ints]:
        """The rows of each group where something isn't 0."""
        rows = np.nonzero(wanted)[0]
        ordered = rows[np.argsort(group[rows], kind="stable")]
        return np.split(ordered, np.searchsorted(group[ordered], np.arange(1, self._number)))

    def ask(self, question: Question) -> Iterator[Answer]:
        columns = [self._facts[name] for name in question.columns]
        owner, matters = self._owners[question.of_calls], self._facts[question.matters] > 0
        for number, traces in enumerate(self._there[0]):
            if not matters[traces].any() or (question.name == EXACT_ERRORS and not self._errors_are_kept(traces)):
                continue
            there, counted = (rows[question.of_calls][number] for rows in (self._there, self._counted))
            weights = self._kept.weight[owner[counted]]
            yield Answer(
                question=question.name,
                kind=self._kind,
                group=number % GROUPS[self._kind],
                world=number // GROUPS[self._kind],
                truth=question.truth([column[there] for column in columns]),
                said=question.say(weights, [column[counted] for column in columns], owner[counted]),
                expected=_expected(self._kept.probability[traces], matters[traces]),
                kept=_kept(self._kept.weight[traces[matters[traces]]]),
            )

    def _errors_are_kept(self, traces: Ints) -> bool:
        return bool((self._kept.probability[traces][self._facts["failed"][traces] > 0] == 1).all())


def _expected(probability: Reals, matters: Mask) -> float:
    least = probability.min()
    return inf if least == 1 else float(probability[matters & (probability <= 2 * least)].sum())


def _kept(weights: Reals) -> int:
    return int(((weights > 0) & (weights >= weights.max() / 2)).sum())
