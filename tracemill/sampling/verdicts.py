"""What was decided of traces, and what holds when late spans make it decided again?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracemill.sampling.thresholds import Numbers, Words, thresholds


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

    @property
    def decision(self) -> pl.Series:
        """keep or drop."""
        return pl.Series("decision", ["drop", "keep"]).gather(self.kept.astype(np.uint32))

    @property
    def threshold(self) -> Words:
        """The rejection threshold of each probability, for `write_thresholds`: 0 where a rule kept the trace."""
        return thresholds(self.probability)


def merge(previous: Verdicts, new: Verdicts) -> tuple[Verdicts, NDArray[np.bool_]]:
    """What holds of traces that were decided before and are decided again, row by row; and which of them moved.

    A verdict moves only from dropped to kept, or to a higher probability; else the previous one stays. So a trace is
    counted if its randomness reaches the lowest threshold it ever had, and its weight is that threshold's.
    """
    higher = new.probability > previous.probability
    moved = np.where(new.kept == previous.kept, higher, new.kept)
    return (
        Verdicts(
            kept=np.where(moved, new.kept, previous.kept),
            policy=new.policy.zip_with(pl.Series(moved), previous.policy),
            probability=np.where(moved, new.probability, previous.probability),
            adjusted_count=np.where(moved, new.adjusted_count, previous.adjusted_count),
        ),
        moved,
    )
