"""What was decided of traces, and what holds when late spans make it decided again?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracemill.sampling.thresholds import Numbers


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One row a trace.

    `policy` is the name of the rule that decided, or `default`. `probability` is with which this sampler keeps a trace
    like this one: 1 by a keep rule, 0 by a drop rule. `adjusted_count` is how many traces this one stands for, samplers
    upstream included; 0 for one that is dropped, or is kept to be shown and not to be counted.
    """

    kept: NDArray[np.bool_]
    policy: pl.Series
    probability: Numbers
    adjusted_count: Numbers

    def __len__(self) -> int:
        return len(self.kept)


def moves(kept_before: Any, probability_before: Any, kept: Any, probability: Any) -> Any:
    """Whether a verdict replaces an earlier one: it keeps what was dropped, or has a higher probability.

    Booleans and numbers, or arrays of them. So a trace is counted if its randomness reaches the lowest threshold it
    ever had, and its weight is that threshold's.
    """
    return (kept > kept_before) | ((kept == kept_before) & (probability > probability_before))


def chosen(here: NDArray[np.bool_], these: Verdicts, others: Verdicts) -> Verdicts:
    """Row by row: `these` where `here`, else `others`."""
    return Verdicts(
        kept=np.where(here, these.kept, others.kept),
        policy=these.policy.zip_with(pl.Series(here), others.policy),
        probability=np.where(here, these.probability, others.probability),
        adjusted_count=np.where(here, these.adjusted_count, others.adjusted_count),
    )
