"""How much would be kept, by rule, tenant and service, next to what was; and which traces would be lost?"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from streams.replay.sides import Decision, Told

TOTAL: Final = ""


@dataclass(slots=True)
class Amount:
    """Traces, their spans, the bytes of these as they lie in the log, and what their calls cost."""

    traces: int = 0
    spans: int = 0
    bytes: int = 0
    cost_usd: float = 0.0

    def add(self, told: Told) -> None:
        """One trace more."""
        self.traces += 1
        self.spans += told.spans
        self.bytes += told.bytes
        self.cost_usd += told.cost_usd

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"traces": self.traces, "spans": self.spans, "bytes": self.bytes, "cost_usd": round(self.cost_usd, 6)}


@dataclass(slots=True)
class Line:
    """What came, what was kept of it, and what would be."""

    came: Amount = field(default_factory=Amount)
    kept: Amount = field(default_factory=Amount)
    would_keep: Amount = field(default_factory=Amount)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "came": self.came.document(),
            "kept": self.kept.document(),
            "would_keep": self.would_keep.document(),
        }


@dataclass(frozen=True, slots=True)
class Lost:
    """A trace that was kept, by which policy, and would be dropped, by which."""

    told: Told
    kept_by: str

    @property
    def weight(self) -> tuple[float, float, float, str]:
        """What makes it worth to be named: errors, then cost, then duration."""
        told = self.told
        return told.errors, told.cost_usd, told.duration_ms, told.trace_id

    def document(self) -> dict[str, Any]:
        """As JSON."""
        told = self.told
        return {
            "trace_id": told.trace_id,
            "tenant": told.tenant,
            "service_name": told.service,
            "root_name": told.root_name,
            "span_count": told.spans,
            "error_count": told.errors,
            "duration_ms": told.duration_ms,
            "cost_usd": told.cost_usd,
            "kept_by": self.kept_by,
            "dropped_by": told.decision.policy,
        }


class Comparison:
    """Adds up traces one by one; of the lost ones it keeps the `most` that weigh most.

    By rule a trace counts twice: under what kept or dropped it, and under what would.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lost: list[tuple[tuple[float, float, float, str], int, Lost]] = []
        self.lines: dict[str, dict[str, Line]] = {
            name: defaultdict(Line) for name in ("total", "rule", "tenant", "service")
        }
        self.lost = Amount()
        self.gained = Amount()
        self.undecided = 0

    def add(self, told: Told, was: Decision | None) -> None:
        """A trace that came in the time; `was` is None where nothing says what was decided."""
        if was is None:
            self.undecided += 1
            return
        for name, key in (("total", TOTAL), ("tenant", told.tenant), ("service", told.service)):
            self._count(self.lines[name][key], told, was.keep, told.decision.keep)
        self._count_rules(told, was)
        if was.keep and not told.decision.keep:
            self.lost.add(told)
            self._name(Lost(told, was.policy))
        elif told.decision.keep and not was.keep:
            self.gained.add(told)

    @property
    def worst(self) -> list[Lost]:
        """The lost traces that weigh most, the worst first."""
        return [lost for _, _, lost in sorted(self._lost, reverse=True)]

    @staticmethod
    def _count(line: Line, told: Told, kept: bool, would_keep: bool) -> None:
        line.came.add(told)
        if kept:
            line.kept.add(told)
        if would_keep:
            line.would_keep.add(told)

    def _count_rules(self, told: Told, was: Decision) -> None:
        rules = self.lines["rule"]
        if was.policy == told.decision.policy:
            self._count(rules[was.policy], told, was.keep, told.decision.keep)
            return
        if was.keep:
            rules[was.policy].kept.add(told)
        here = rules[told.decision.policy]
        here.came.add(told)
        if told.decision.keep:
            here.would_keep.add(told)

    def _name(self, lost: Lost) -> None:
        place = (lost.weight, self.lost.traces, lost)
        if len(self._lost) < self._most:
            heapq.heappush(self._lost, place)
        elif self._most:
            heapq.heappushpop(self._lost, place)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        total = self.lines["total"][TOTAL]
        tables = {
            f"by_{name}": {key: line.document() for key, line in sorted(self.lines[name].items())}
            for name in ("rule", "tenant", "service")
        }
        return {
            **total.document(),
            **tables,
            "lost": self.lost.document(),
            "gained": self.gained.document(),
            "lost_traces": [lost.document() for lost in self.worst],
            "undecided": self.undecided,
        }
