"""What does the API count?"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

ANSWERS: Final = Counter("tracemill_api_answers", "Answers, by what was asked and their status.", ["route", "status"])
QUERY_SECONDS: Final = Histogram(
    "tracemill_api_query_seconds",
    "From asking the store to its whole answer, by the name of the query.",
    ["query"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUERY_FAILURES: Final = Counter(
    "tracemill_api_query_failures", "Queries that the store didn't answer, by why.", ["query", "why"]
)
