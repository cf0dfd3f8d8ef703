"""What holds of many traces once their rules have spoken and earlier verdicts were honoured?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tracemill.assembly.trace import Verdict
from tracemill.sampling import Verdicts, moves


@dataclass(slots=True)
class Settled:
    """One entry a trace: the verdict that stands; whether the trace has a new revision (`changed`), whether its new
    spans are written if it is kept (`written`), and all its spans again because its verdict moved (`rewritten`)."""

    keep: npt.NDArray[np.bool_]
    policy: list[str]
    probability: npt.NDArray[np.float64]
    adjusted_count: npt.NDArray[np.float64]
    changed: npt.NDArray[np.bool_]
    written: npt.NDArray[np.bool_]
    rewritten: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, verdicts: Verdicts) -> Self:
        """First verdicts: all of them stand."""
        count = len(verdicts)
        return cls(
            verdicts.kept.copy(),
            verdicts.policy.to_list(),
            verdicts.probability.copy(),
            verdicts.adjusted_count.copy(),
            np.ones(count, np.bool_),
            np.ones(count, np.bool_),
            np.zeros(count, np.bool_),
        )

    def verdict(self, place: int, rules: str) -> Verdict:
        """One trace's verdict, by the rule set with this hash."""
        return Verdict(
            bool(self.keep[place]),
            self.policy[place],
            float(self.probability[place]),
            float(self.adjusted_count[place]),
            rules,
        )

    def follow(self, place: int, rules: str, before: Verdict, fresh: bool, whole: bool) -> Verdict:
        """A trace that was decided before: its verdict only moves towards kept or a higher probability.

        It moves with a new span only: what brings none writes nothing, and a verdict moved by it would hold for spans
        that nobody wrote.

        Args:
            place: which trace.
            rules: the rule set that holds for it now.
            before: what was decided.
            fresh: whether any span came that it didn't have.
            whole: whether all its spans are there; if not, nothing can be said about the trace anew.
        """
        now = self.verdict(place, rules)
        self.changed[place], self.written[place] = fresh and whole, fresh
        if fresh and whole and moves(before.keep, before.probability, now.keep, now.probability):
            self.rewritten[place] = True
            return now
        self.keep[place], self.policy[place] = before.keep, before.policy
        self.probability[place], self.adjusted_count[place] = before.probability, before.adjusted_count
        return before

    def policies(self) -> Any:
        """The policies as an Arrow column."""
        return pa.array(self.policy, pa.string())
