"""What does the API count? Labels have closed sets: routes as they are written down, queries by their files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import product
from time import perf_counter
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.problems import Trouble

REQUESTS: Final = Counter("tracemill_api_requests", "Requests, by their route and status.", ["route", "status"])
REQUEST_SECONDS: Final = Histogram(
    "tracemill_api_request_duration_seconds",
    "From having a request's head to having its answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_FLIGHT: Final = Gauge("tracemill_api_requests_in_flight", "Requests that aren't answered yet.")
QUERY_SECONDS: Final = Histogram(
    "tracemill_api_query_duration_seconds",
    "From asking the store to its whole answer, also where that is an error.",
    ["query"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUERY_ROWS: Final = Counter("tracemill_api_query_rows", "Rows that the store answered with.", ["query"])
QUERY_FAILURES: Final = Counter(
    "tracemill_api_query_failures", "Queries without an answer, by why.", ["query", "reason"]
)
QUERIES_WAITING: Final = Gauge("tracemill_api_queries_waiting", "Queries that wait for others to end.")

FEEDBACK: Final = Counter("tracemill_api_feedback", "Feedback taken, by what becomes of its trace.", ["trace"])

OTHER: Final = "other"
"""The route of what has none."""
TIMEOUT: Final = "timeout"
GONE: Final = 499
"""The status that proxies use for a client that hung up."""
_WHY: Final = (Trouble.TOO_EXPENSIVE, Trouble.BUSY, Trouble.STORE_AWAY, Trouble.FAILED)

Answering = Callable[[Request], Awaitable[Response]]


def begin(routes: Iterable[str], queries: Iterable[str], outcomes: Iterable[str]) -> None:
    """These begin at 0."""
    for outcome in outcomes:
        FEEDBACK.labels(outcome)
    for route in routes:
        REQUESTS.labels(route, "200")
        REQUEST_SECONDS.labels(route)
    names = list(queries)
    for name in names:
        QUERY_SECONDS.labels(name)
        QUERY_ROWS.labels(name)
    for pair in product(names, [TIMEOUT, *map(_reason, _WHY)]):
        QUERY_FAILURES.labels(*pair)


def counted(route: str, answer: Answering) -> Answering:
    """`answer`, with its requests counted."""
    seconds = REQUEST_SECONDS.labels(route)

    async def answered(request: Request) -> Response:
        began, status = perf_counter(), Trouble.FAILED.status
        try:
            with IN_FLIGHT.track_inprogress():
                response = await answer(request)
            status = response.status_code
            return response
        except ClientDisconnect:
            status = GONE
            raise
        finally:
            seconds.observe(perf_counter() - began)
            REQUESTS.labels(route, str(status)).inc()

    return answered


def failed(query: str, trouble: Trouble, timed_out: bool = False) -> None:
    """A query has no answer."""
    QUERY_FAILURES.labels(query, TIMEOUT if timed_out else _reason(trouble)).inc()


def _reason(trouble: Trouble) -> str:
    return trouble.slug.replace("-", "_")
