"""How long are the stream workers down, and what is sent all the time?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtest.endurance.plan import Plan as Load

LATE_EVERY: Final = 12
ROOTLESS_EVERY: Final = 100
LIMIT_S: Final = 300.0
"""Whoever isn't caught up so long after four times the time that it was down, is caught up by nobody."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run. `rate` in spans a second; the load goes on for `after_s` when all is caught up."""

    before_s: float
    down_s: float
    after_s: float
    rate: float
    rules: Path | None
    seed: int

    @property
    def limit_s(self) -> float:
        """From when the workers may come back: until then they have to be caught up."""
        return LIMIT_S + 4 * self.down_s

    @property
    def load(self) -> Load:
        """What is sent; it is stopped before its time."""
        longest_s = self.before_s + self.down_s + self.limit_s + self.after_s
        return Load(longest_s, self.rate, self.rules, LATE_EVERY, ROOTLESS_EVERY, self.seed)

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        return {
            "before_s": self.before_s,
            "down_s": self.down_s,
            "after_s": self.after_s,
            "rate": self.rate,
            "rules": str(self.rules or ""),
            "seed": self.seed,
        }
