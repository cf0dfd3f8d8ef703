"""What holds of many traces once their rules have spoken and earlier verdicts were honoured?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tracemill.assembly.trace import Verdict
from tracemill.sampling import Verdicts, moves

PROMOTED: Final = "promoted:"
"""Begins the policy of a trace that was dropped and is kept after all: a rule follows, or why somebody asked for it."""


class Arrived(NamedTuple):
    """What came for a trace since it was decided: whether `fresh` spans, and whether somebody `promoted` it, and why.

    `whole` says that all its spans are there; if not, nothing can be said about the trace anew.
    """

    fresh: bool
    whole: bool
    promoted: str = ""


def _by_hand(verdict: Verdict, why: str) -> Verdict:
    """Kept, whatever `verdict` says: shown from now on, but if it was dropped it never counts."""
    if verdict.keep:
        return verdict
    return verdict._replace(keep=True, policy=PROMOTED + why, adjusted_count=0.0)


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

    def follow(self, place: int, rules: str, before: Verdict, arrived: Arrived) -> Verdict:
        """A trace that was decided before: its verdict only moves towards kept or a higher probability.

        It moves with a new span, or by hand: what brings neither writes nothing, and a verdict moved by it would hold
        for spans that nobody wrote.

        Args:
            place: which trace.
            rules: the rule set that holds for it now.
            before: what was decided.
            arrived: what came since.
        """
        stands, moved = self._moved(self.verdict(place, rules), before, arrived)
        self.changed[place] = arrived.whole and (arrived.fresh or moved)
        self.written[place] = arrived.fresh or moved
        self.rewritten[place] = moved
        self._put(place, stands)
        return stands

    def promote(self, place: int, rules: str, why: str) -> Verdict:
        """A trace that is decided for the first time is kept, because somebody asked for it."""
        stands = _by_hand(self.verdict(place, rules), why)
        self._put(place, stands)
        return stands

    @staticmethod
    def _moved(now: Verdict, before: Verdict, arrived: Arrived) -> tuple[Verdict, bool]:
        """The verdict that stands, and whether it is another than before.

        A kept trace also moves to a lower weight: late spans may tell of a sampler upstream that lets more through.
        """
        if not arrived.whole:
            return before, False
        lighter = before.keep and now.keep and 0 < now.adjusted_count < before.adjusted_count
        if arrived.fresh and (lighter or moves(before.keep, before.probability, now.keep, now.probability)):
            promoted = now.keep and not before.keep
            return (now._replace(policy=PROMOTED + now.policy) if promoted else now), True
        if arrived.promoted and not before.keep:
            return _by_hand(before, arrived.promoted), True
        return before, False

    def _put(self, place: int, verdict: Verdict) -> None:
        self.keep[place], self.policy[place] = verdict.keep, verdict.policy
        self.probability[place], self.adjusted_count[place] = verdict.probability, verdict.adjusted_count

    def policies(self) -> Any:
        """The policies as an Arrow column."""
        return pa.array(self.policy, pa.string())
