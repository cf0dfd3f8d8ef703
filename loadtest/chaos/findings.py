"""What did a check find? How often each thing is wrong, and where to look first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

EXAMPLES: Final = 5


@dataclass(slots=True)
class Findings:
    """What one check found: everything that could be wrong, with how often it is and the first examples.

    `looked_at` says how much was compared: a check of nothing proves nothing.
    """

    check: str
    looked_at: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, cases: Iterable[str]) -> None:
        """These are wrong; no case says that it was looked for."""
        found = list(cases)
        self.counts[what] = self.counts.get(what, 0) + len(found)
        if found:
            self.examples[what] = (self.examples.get(what, []) + found)[:EXAMPLES]

    @property
    def total(self) -> int:
        """How much is wrong."""
        return sum(self.counts.values())

    @property
    def clean(self) -> bool:
        """Something was looked at, and nothing is wrong."""
        return self.looked_at > 0 and self.total == 0

    def as_json(self) -> dict[str, Any]:
        """For a report."""
        return {"clean": self.clean, "looked_at": self.looked_at, "wrong": self.counts, "examples": self.examples}
