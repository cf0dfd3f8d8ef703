"""What came out of a run in which the stream workers were down?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.accounting import Sample, Usage, usage
from loadtest.catch_up.phases import Phases
from loadtest.catch_up.plan import Plan
from loadtest.freshness import Freshness
from loadtest.ledger import Verdict


@dataclass(frozen=True, slots=True)
class Spent:
    """What each part took while the stream workers caught up, and how long they were watched."""

    seconds: float
    usage: Mapping[str, Usage]

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        return {"seconds": round(self.seconds, 1), "parts": {name: asdict(each) for name, each in self.usage.items()}}


def spent(samples: Sequence[Sample], from_s: float, until_s: float) -> Spent:
    """From the last sample before a moment to the first one after another; there has to be one before and one after."""
    first = max(number for number, sample in enumerate(samples) if sample.at_s <= from_s)
    last = next(number for number, sample in enumerate(samples) if sample.at_s >= until_s)
    during = samples[first : last + 1]
    return Spent(during[-1].at_s - during[0].at_s, usage(during))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run. `kept_away` says what was done about workers that came back too soon; `spans` is all that was sent;
    `verdict` is None until the ledger is drawn up."""

    plan: Plan
    machine: Mapping[str, Any]
    kept_away: str
    phases: Phases
    spent: Spent
    before: Freshness
    """Of lone traces before the workers went down."""
    after: Freshness
    """And once all was caught up, in the store too."""
    spans: int
    retries: int
    not_acknowledged: int
    quiet_after_s: float
    verdict: Verdict | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing was lost and nothing counted twice."""
        return self.verdict is not None and self.verdict.clean

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        return {
            "plan": self.plan.as_json(),
            "machine": dict(self.machine),
            "kept_away": self.kept_away,
            "phases": self.phases.as_json(),
            "spent": self.spent.as_json(),
            "freshness_before": asdict(self.before),
            "freshness_after": asdict(self.after),
            "spans": self.spans,
            "retries": self.retries,
            "not_acknowledged": self.not_acknowledged,
            "quiet_after_s": round(self.quiet_after_s, 1),
            "ledger": self.verdict.as_json() if self.verdict else None,
        }
