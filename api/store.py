"""How does the store answer a query within its limits, and what is said when it doesn't?

Every query carries limits of time, memory and result, in read-only mode 1, in which no statement can change a setting.
A query whose asker has gone is stopped. Answers are JSON lines: the store writes them as the API sends them.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import clickhouse_connect
import orjson
from clickhouse_connect.driver.exceptions import ClickHouseError

from api import metrics
from api.problems import Problem, Trouble, away
from api.queries import Query, ready
from runtime.logs import pairs
from tracemill import config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clickhouse_connect.driver.asyncclient import AsyncClient

_LOG = logging.getLogger("api.store")

EXECUTION_S: Final = 10
MEMORY_BYTES: Final = 512 * 1024**2
PARALLEL: Final = 4
WAITING: Final = 64
CONNECT_S: Final = 3

SETTINGS: Final = {
    "readonly": 1,
    "max_execution_time": EXECUTION_S,
    "max_memory_usage": MEMORY_BYTES,
    "result_overflow_mode": "throw",
    "timeout_overflow_mode": "throw",
    "cancel_http_readonly_queries_on_client_close": 1,
    "date_time_output_format": "iso",
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 0,
    "output_format_json_named_tuples_as_objects": 1,
    "join_use_nulls": 0,
}
_TIMED_OUT: Final = frozenset({159, 160})
_TOO_EXPENSIVE: Final = frozenset({158, 159, 160, 191, 241, 290, 307, 396})
_BUSY: Final = frozenset({202, 203, 210, 439})
_NOT_AS_EXPECTED: Final = frozenset({16, 36, 47, 60, 81, 115, 164, 194, 497, 516})


class Store(Protocol):
    """Whoever answers queries."""

    async def rows(self, query: Query) -> list[dict[str, Any]]:
        """The rows by column: ids as hex, times as RFC 3339 with nanoseconds.

        Raises:
            Problem: there is no answer; the text says why.
        """

    async def why_not_ready(self) -> str | None:
        """None when it answers."""


class ClickHouse:
    """A ClickHouse server, or the embedded one. For one event loop; it needn't be up yet."""

    def __init__(self, store: config.Store) -> None:
        self._store = store
        self._client: AsyncClient | None = None
        self._connecting = asyncio.Lock()
        self._slots = asyncio.Semaphore(PARALLEL)
        self._waiting = 0

    async def rows(self, query: Query) -> list[dict[str, Any]]:
        """See `Store.rows`."""
        async with self._slot(query):
            try:
                with metrics.QUERY_SECONDS.labels(query.name).time():
                    body = await self._ask(query)
            except ClickHouseError as error:
                raise _problem(query, error) from error
        found = [orjson.loads(line) for line in body.splitlines()]
        metrics.QUERY_ROWS.labels(query.name).inc(len(found))
        return found

    async def why_not_ready(self) -> str | None:
        """See `Store.why_not_ready`."""
        try:
            await self.rows(ready())
        except Problem as problem:
            return problem.detail
        return None

    async def close(self) -> None:
        """Close its connections."""
        if self._client:
            await self._client.close()

    async def _ask(self, query: Query) -> bytes:
        limits = {"max_result_rows": query.rows, "max_result_bytes": query.result_bytes}
        client = self._client or await self._connect()
        return await client.raw_query(
            query.sql, parameters=dict(query.parameters), settings={**SETTINGS, **limits}, fmt="JSONEachRow"
        )

    async def _connect(self) -> AsyncClient:
        """The client asks the server who it is when it is made, so it is made when it is needed."""
        async with self._connecting:
            if self._client is None:
                url = urlsplit(self._store.url)
                self._client = await clickhouse_connect.get_async_client(
                    interface=url.scheme,
                    host=url.hostname,
                    port=url.port or (8443 if url.scheme == "https" else 8123),
                    username=self._store.user,
                    password=self._store.password,
                    database=self._store.database,
                    autogenerate_session_id=False,
                    connect_timeout=CONNECT_S,
                    send_receive_timeout=EXECUTION_S + CONNECT_S,
                    connector_limit=PARALLEL,
                    compress=False,
                )
            return self._client

    @asynccontextmanager
    async def _slot(self, query: Query) -> AsyncIterator[None]:
        if self._waiting >= WAITING:
            metrics.failed(query.name, Trouble.BUSY)
            raise away(f"{WAITING} questions wait for the store already: ask again in a second", Trouble.BUSY)
        self._waiting += 1
        try:
            with metrics.QUERIES_WAITING.track_inprogress():
                await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


def _problem(query: Query, error: ClickHouseError) -> Problem:
    code = getattr(error, "code", None)
    trouble, detail = _diagnosis(code, str(error))
    metrics.failed(query.name, trouble, timed_out=code in _TIMED_OUT)
    if trouble is Trouble.TOO_EXPENSIVE:
        return Problem(trouble, detail)
    _LOG.warning(pairs("a query failed", query=query.name, code=code, error=_first_line(error)))
    return Problem(trouble, detail) if trouble is Trouble.FAILED else away(detail, trouble)


def _diagnosis(code: int | None, text: str) -> tuple[Trouble, str]:
    """What an error of the store's means for the asker; nothing of its text reaches them."""
    if code is None:
        return Trouble.STORE_AWAY, "the store can't be reached: see that it is up, and that store.url is right"
    if code in _BUSY or (code == 241 and "(total)" in text):
        return Trouble.BUSY, "the store is busy: ask again in a second"
    if code in _TOO_EXPENSIVE:
        return Trouble.TOO_EXPENSIVE, (
            f"it takes more than {EXECUTION_S} s or {MEMORY_BYTES // 1024**2} MiB, or its answer is too large: ask for "
            "less time (`from`, `to`), fewer rows (`limit`), no content, or a simpler filter"
        )
    if code in _NOT_AS_EXPECTED:
        return Trouble.STORE_AWAY, (
            "the store isn't as it should be: run `tracemill schema apply`, and see that store.user may read "
            "(its profile with readonly 0 or 2)"
        )
    return Trouble.FAILED, "the store failed; its text is in the log of the API"


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:500] if lines else type(error).__name__
