"""How does a store come to refuse inserts, and take them again? With its own error, "too many parts"."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from loadtest.observed import store_client
from tracemill.config import Store

TOO_MANY_PARTS: Final = 252
TRY_AGAIN_S: Final = 0.5
TABLES: Final = ("otel_traces", "traces")

Question = Callable[[Client], int | None]


class Refusals:
    """Makes the tables of a store refuse inserts from `begin` to `end`; `count` says how many they refused.

    `wait` waits for so many seconds, and says whether to go on: the store may be away or starting.
    """

    def __init__(self, store: Store, wait: Callable[[float], bool]) -> None:
        self._store = store
        self._wait = wait
        self._tables = [f"{store.database}.{table}" for table in TABLES]
        self._seen: list[int] = []
        self._stop = threading.Event()
        self._counter = threading.Thread(target=self._watch, name="refusals")

    def begin(self) -> None:
        """From now on nothing is merged, and one part is too many."""
        self._seen.append(self._insist(_too_many_parts))
        for table in self._tables:
            self._insist(partial(_forbid, table))
        self._counter.start()

    def end(self) -> None:
        """All is as it was."""
        self._stop.set()
        self._counter.join()
        for table in self._tables:
            self._insist(partial(_allow, table))

    def count(self) -> int:
        """How many inserts were refused."""
        return rises(self._seen)

    def _watch(self) -> None:
        while not self._stop.wait(TRY_AGAIN_S):
            with suppress(ClickHouseError, OSError):
                self._seen.append(self._ask(_too_many_parts))

    def _insist(self, question: Question) -> int:
        while True:
            try:
                return self._ask(question)
            except (ClickHouseError, OSError):
                if not self._wait(TRY_AGAIN_S):
                    raise

    def _ask(self, question: Question) -> int:
        client = store_client(self._store)
        try:
            return question(client) or 0
        finally:
            client.close()


def rises(counts: Sequence[int]) -> int:
    """How far a counter rose in all, which begins anew whenever its process does."""
    return sum(after - before if after >= before else after for before, after in pairwise(counts))


def _forbid(table: str, client: Client) -> None:
    client.command(f"SYSTEM STOP MERGES {table}")
    client.command(f"ALTER TABLE {table} MODIFY SETTING parts_to_throw_insert = 1")


def _allow(table: str, client: Client) -> None:
    client.command(f"ALTER TABLE {table} RESET SETTING parts_to_throw_insert")
    client.command(f"SYSTEM START MERGES {table}")


def _too_many_parts(client: Client) -> int:
    asked = "SELECT sum(value) FROM system.errors WHERE code = {code:Int32}"
    return int(client.query(asked, {"code": TOO_MANY_PARTS}).result_rows[0][0])
