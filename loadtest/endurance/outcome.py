"""What came out of a run under load?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.accounting import Usage
from loadtest.endurance.memory import Course, Growth, growth, lasting
from loadtest.endurance.plan import Plan
from loadtest.freshness import Freshness
from loadtest.ledger import Verdict


@dataclass(frozen=True, slots=True)
class Reread:
    """What `loadtest.reread` said of the log: its exit code (0: all rows are the same), its table, how long it took."""

    code: int
    said: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run. `seconds` from the first request to the last answer; `verdict` is None until the ledger is drawn up.

    `retries` and `not_acknowledged` count requests. `windows` holds the freshness of the lone traces that were sent in
    each window. `quiet_after_s` is None if not all was decided and stored in time.
    """

    plan: Plan
    machine: Mapping[str, Any]
    spans: int
    seconds: float
    retries: int
    not_acknowledged: int
    quiet_after_s: float | None
    courses: Sequence[Course]
    windows: Sequence[Freshness]
    usage: Mapping[str, Usage]
    topic_bytes: Mapping[str, int]
    log_is_whole: bool
    verdict: Verdict | None = None
    reread: Reread | None = None

    @property
    def growths(self) -> list[Growth]:
        """Of every process that was there from the end of the first window to the end of the load."""
        until_s = max((float(course.at_s[-1]) for course in self.courses), default=0.0)
        return [growth(course, self.plan.window_s) for course in lasting(self.courses, self.plan.window_s, until_s)]

    @property
    def later_ms(self) -> float:
        """By how much the p99 of freshness was worse than in the first window, at most; below 0: always better."""
        return max((window.p99_ms for window in self.windows[1:]), default=0.0) - self.windows[0].p99_ms

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, nothing counted twice, and nothing decided otherwise when it was read again."""
        clean = self.verdict is not None and self.verdict.clean
        return clean and self.quiet_after_s is not None and (self.reread is None or self.reread.code == 0)

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        plan = asdict(self.plan) | {"rules": str(self.plan.rules or ""), "window_s": self.plan.window_s}
        return {
            "plan": plan,
            "machine": dict(self.machine),
            "spans": self.spans,
            "seconds": round(self.seconds, 1),
            "retries": self.retries,
            "not_acknowledged": self.not_acknowledged,
            "quiet_after_s": self.quiet_after_s,
            "windows": [asdict(window) for window in self.windows],
            "p99_later_ms": round(self.later_ms, 1),
            "parts": {
                name: asdict(usage) | {"cpu_s_per_million_spans": round(usage.cpu_s / self.spans * 1e6, 2)}
                for name, usage in sorted(self.usage.items())
            },
            "growth": [each.as_json() for each in self.growths],
            "courses": [course.as_json() for course in self.courses],
            "topic_bytes": dict(self.topic_bytes),
            "log_is_whole": self.log_is_whole,
            "ledger": self.verdict.as_json() if self.verdict else None,
            "reread": asdict(self.reread) if self.reread else None,
        }
