"""How does a block of records end: every one of them in the store or among the dead letters?"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final, Protocol

from clickhouse_connect.driver.client import Client

from runtime.dead_letters import Record
from runtime.logs import pairs
from sinks import metrics
from sinks.clickhouse import Away, DataRefused, Why, connect, insert
from sinks.records import Piece, Table
from tracemill.config import Store
from tracemill.errors import Malformed, Reason, Refused

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
REMINDER_S: Final = 60.0

_log = logging.getLogger(__name__)


class Stopped(Exception):
    """The process is to end before the block did."""


class Letters(Protocol):
    """Where records go that nobody can read."""

    def send(self, refused: Sequence[tuple[Record, Refused]]) -> None:
        """Returns when all of them are written down."""


class Delivery:
    """Blocks into one table; for one thread at a time. `trouble` says why the store doesn't take them right now."""

    def __init__(self, table: Table, store: Store, letters: Letters, stop: threading.Event) -> None:
        self._table = table
        self._store = store
        self._letters = letters
        self._stop = stop
        self._client: Client | None = None
        self._reminded = float("-inf")
        self.trouble: str | None = None

    def deliver(self, pieces: Sequence[Piece]) -> None:
        """Returns when every record is in the store or among the dead letters, however long the store is away.

        Raises:
            Stopped: the process is to end; nothing is known about these records.
        """
        self._bury([(piece.record, piece.refused) for piece in pieces if piece.refused])
        readable = [piece for piece in pieces if not piece.refused]
        self._insert(readable)

    def _insert(self, pieces: Sequence[Piece]) -> None:
        """Insert all; where the store refuses the bytes, halve until the record that is at fault is alone."""
        try:
            for body in self._table.bodies(pieces):
                self._insist(body)
        except DataRefused as error:
            if len(pieces) == 1:
                self._bury_if_at_fault(pieces[0], error)
                return
            middle = len(pieces) // 2
            self._insert(pieces[:middle])
            self._insert(pieces[middle:])
        else:
            metrics.ROWS.labels(self._table.landing).inc(sum(piece.rows for piece in pieces))

    def _bury_if_at_fault(self, piece: Piece, error: DataRefused) -> None:
        """A store that refuses even a block without rows has another schema: then no record is at fault."""
        while True:
            try:
                self._insist(self._table.probe)
            except DataRefused as mismatch:
                self._wait(Away(Why.SCHEMA, str(mismatch)), LONGEST_PAUSE_S)
            else:
                break
        self._bury([(piece.record, Malformed(Reason.REFUSED_BY_STORE, str(error)))])

    def _bury(self, refused: Sequence[tuple[Record, Refused]]) -> None:
        if not refused:
            return
        self._letters.send(refused)
        for record, why in refused:
            metrics.DEAD_LETTERS.labels(self._table.landing, why.reason.value).inc()
            where = f"{record.topic}/{record.partition}/{record.offset}"
            _log.error(pairs("record dead-lettered", record=where, reason=why.reason.value, text=why))

    def _insist(self, body: bytes) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                self._attempt(body)
            except Away as error:
                self._wait(error, pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                return

    def _attempt(self, body: bytes) -> None:
        self._client = self._client or connect(self._store)
        landing = f"{self._store.database}.{self._table.landing}"
        start = time.monotonic()
        insert(self._client, landing, self._table.format, body)
        metrics.INSERT_SECONDS.labels(self._table.landing).observe(time.monotonic() - start)
        metrics.BYTES.labels(self._table.landing).inc(len(body))
        if self.trouble:
            _log.info(pairs("store takes inserts again", table=self._table.landing))
        self.trouble, self._reminded = None, float("-inf")

    def _wait(self, error: Away, pause_s: float) -> None:
        metrics.RETRIES.labels(self._table.landing, error.why.value).inc()
        self.trouble = f"the store doesn't take {self._table.landing}: {error}"
        if time.monotonic() > self._reminded + REMINDER_S:
            self._reminded = time.monotonic()
            _log.warning(pairs("insert failed and is tried again", table=self._table.landing, why=error))
        if self._stop.wait(pause_s):
            raise Stopped
