"""What do the traces that were kept say of all traces, and how far off can that be?

weights, calls = by_trace(trace_ids, adjusted_counts, np.ones(len(trace_ids)))
total(weights, calls)            # how many calls there were
quantile(adjusted_counts, durations, 0.95, trace_ids)

A trace is kept by itself, with a probability that is known, and stands for `adjusted_count` traces: its weight. It is
the unit of sampling: spans of one trace are kept together, so what is said of spans is summed to their trace first.
Every interval is meant to hold the truth 95 times in 100; docs/true-numbers.md has the formulas in words and in SQL.
"""

from tracemill.estimates.quantiles import quantile
from tracemill.estimates.spread import Estimate, by_trace
from tracemill.estimates.sums import ratio, share, total

__all__ = ["Estimate", "by_trace", "quantile", "ratio", "share", "total"]
