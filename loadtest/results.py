"""What did a benchmark find? Its figures, and how several runs of one scenario are summed up."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from loadtest.accounting import Usage
from loadtest.freshness import Freshness
from loadtest.ledger import Verdict
from loadtest.workload import Profile

Only = Literal["", "ingest", "streams", "sinks"]
"""The part that is measured alone, or all together."""


def only_named(name: str) -> Only:
    """The part of that name.

    Raises:
        ValueError: it can't be measured alone.
    """
    match name:
        case "" | "ingest" | "streams" | "sinks":
            return name
        case _:
            raise ValueError(f"only {name!r}: expected ingest, streams or sinks")


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is sent, how, and how much of it is kept."""

    profile: Profile
    protocol: str
    kept_percent: int
    spans: int
    rate: float = 0.0
    only: Only = ""

    @property
    def name(self) -> str:
        """For tables."""
        paced = f" at {self.rate:.0f}/s" if self.rate else ""
        alone = f" ({self.only} alone)" if self.only else ""
        return f"{self.profile}, {self.protocol}, {self.kept_percent} % kept{paced}{alone}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run. `seconds` from the first send until the last record was stored; `sent` is the generator's summary."""

    scenario: Scenario
    spans: int
    bytes: int
    seconds: float
    usage: dict[str, Usage]
    sent: dict[str, Any]
    freshness: Freshness | None
    verdict: Verdict | None

    @property
    def spans_per_s(self) -> float:
        """End to end."""
        return self.spans / self.seconds

    @property
    def mb_per_s(self) -> float:
        """Of OTLP, end to end; 1 MB is a million bytes."""
        return self.bytes / self.seconds / 1e6

    @property
    def kept_share(self) -> float | None:
        """Of the acknowledged traces."""
        if self.verdict is None or not self.verdict.acknowledged_traces:
            return None
        return self.verdict.kept_traces / self.verdict.acknowledged_traces

    def cpu_us_per_span(self, part: str) -> float:
        """Microseconds a span, which is CPU-seconds per million spans."""
        return self.usage[part].cpu_s / self.spans * 1e6 if part in self.usage else 0.0

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        return {
            "scenario": asdict(self.scenario) | {"name": self.scenario.name},
            "spans": self.spans,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "spans_per_s": round(self.spans_per_s),
            "mb_per_s": round(self.mb_per_s, 2),
            "kept_share": self.kept_share,
            "parts": {
                name: asdict(usage) | {"cpu_s_per_million_spans": round(self.cpu_us_per_span(name), 2)}
                for name, usage in sorted(self.usage.items())
            },
            "generator": self.sent,
            "freshness": asdict(self.freshness) if self.freshness else None,
            "ledger": self.verdict.as_json() if self.verdict else None,
        }


class Spread(NamedTuple):
    """Of one figure over several runs."""

    low: float
    median: float
    high: float


def spread(values: Iterable[float]) -> Spread:
    """The least, the median and the greatest of at least one value."""
    ordered = sorted(values)
    return Spread(ordered[0], statistics.median(ordered), ordered[-1])


def by_scenario(measurements: Iterable[Measurement]) -> dict[Scenario, list[Measurement]]:
    """The runs of each scenario, in the order in which scenarios first come."""
    grouped: dict[Scenario, list[Measurement]] = {}
    for measurement in measurements:
        grouped.setdefault(measurement.scenario, []).append(measurement)
    return grouped
