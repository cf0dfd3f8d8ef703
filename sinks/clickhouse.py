"""How does a block of bytes get into ClickHouse, and which of its errors will pass?

Inserts are synchronous: the answer means that the rows are in the table (`async_insert` would answer for a buffer, or
wait for one). `optimize_on_insert` is off: sorting duplicates out of every block costs the server more than all the
rest of an insert (measured: 11.9 against 4.7 µs a span), and readers use FINAL anyway. Indexes of the maps are left to
the first merge. Blocks aren't deduplicated by the server, which would hash every one of them (1.1 µs a span): a block
whose answer was lost is stored twice, and read once. A timestamp may be of any day: a block may touch many days.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from sinks.delivery import Away, DataRefused
from sinks.records import Body, Piece, Table
from tracemill.config import Store

CONNECT_TIMEOUT_S: Final = 5
ANSWER_TIMEOUT_S: Final = 60
"""Below the broker's `max.poll.interval.ms`; an insert of a full block takes a tenth of a second."""

SETTINGS: Final = {
    "async_insert": 0,
    "optimize_on_insert": 0,
    "max_partitions_per_insert_block": 0,
    "exclude_materialize_skip_indexes_on_insert": (
        "idx_res_attr_key,idx_res_attr_value,idx_span_attr_key,idx_span_attr_value"
    ),
    "distributed_foreground_insert": 1,
    "insert_deduplicate": 0,
}

DATA_CODES: Final = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        33,  # CANNOT_READ_ALL_DATA
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        130,  # CANNOT_READ_ARRAY_FROM_TEXT
        131,  # TOO_LARGE_STRING_SIZE
        271,  # CANNOT_DECOMPRESS
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        407,  # DECIMAL_OVERFLOW
        467,  # CANNOT_PARSE_BOOL
    }
)
"""Errors about the bytes of a block. Every other passes, or an operator makes it pass: it is tried again."""


class Why(StrEnum):
    """Why an insert is tried again."""

    UNREACHABLE = "unreachable"
    OVERLOADED = "overloaded"
    SCHEMA = "schema"
    ACCESS = "access"
    OTHER = "other"


_BY_CODE: Final = {
    **dict.fromkeys((159, 202, 209, 241, 243, 252, 319, 439), Why.OVERLOADED),
    **dict.fromkeys((16, 20, 36, 47, 60, 81), Why.SCHEMA),
    **dict.fromkeys((192, 193, 194, 497, 516), Why.ACCESS),
}
_ADVICE: Final = {
    Why.UNREACHABLE: "is it up, and is store.url right?",
    Why.OVERLOADED: "it is short of memory, disk, time or merges; it will be tried again until it has them",
    Why.SCHEMA: "run `tracemill schema apply`",
    Why.ACCESS: "are store.user and store.password right, and may that user insert into store.database?",
    Why.OTHER: "see the store's log",
}


def connect(store: Store) -> Client:
    """A client that needs no database to be there and may be used by one thread.

    Raises:
        Away: nobody answers, or the user is refused.
    """
    url = urlsplit(store.url)
    try:
        return clickhouse_connect.get_client(
            interface=url.scheme,
            host=url.hostname,
            port=url.port or (8443 if url.scheme == "https" else 8123),
            username=store.user,
            password=store.password,
            autogenerate_session_id=False,
            connect_timeout=CONNECT_TIMEOUT_S,
            send_receive_timeout=ANSWER_TIMEOUT_S,
            compress=False,
        )
    except ClickHouseError as error:
        raise away(error) from error


def insert(client: Client, table: str, form: str, body: Body) -> None:
    """Insert the rows in `body`, of the ClickHouse format `form`; returns when they are stored.

    Raises:
        Away: try the same block again later.
        DataRefused: the bytes are at fault.
    """
    try:
        client.raw_insert(table, insert_block=(part for part in body), settings=SETTINGS, fmt=form)
    except DatabaseError as error:
        if error.code in DATA_CODES:
            raise DataRefused(_first_line(error)) from error
        raise away(error) from error


def away(error: ClickHouseError) -> Away:
    """Any error of the client's as one that may pass."""
    code: Any = getattr(error, "code", None)
    why = Why.UNREACHABLE if code is None else _BY_CODE.get(code, Why.OTHER)
    return Away(why, f"{_first_line(error)} ({_ADVICE[why]})")


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:500] if lines else type(error).__name__


class StoreTable:
    """A landing table as a `sinks.delivery.Target`; it connects when it is first used."""

    failures = tuple(Why)

    def __init__(self, table: Table, store: Store) -> None:
        self.name = table.landing
        self._table = table
        self._store = store
        self._client: Client | None = None

    def send(self, pieces: Sequence[Piece]) -> int:
        """Insert the records' rows; see `insert`."""
        return sum(self._insert(body) for body in self._table.bodies(pieces))

    def probe(self) -> int:
        """Insert no rows; see `insert`."""
        return self._insert((self._table.probe,))

    def _insert(self, body: Body) -> int:
        self._client = self._client or connect(self._store)
        insert(self._client, f"{self._store.database}.{self.name}", self._table.format, body)
        return sum(map(len, body))
