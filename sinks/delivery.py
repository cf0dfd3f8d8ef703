"""How does a block of records end: every one of them taken by its target or among the dead letters?"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from runtime.dead_letters import Record
from runtime.logs import pairs
from sinks import metrics
from sinks.records import Piece
from tracemill.errors import Malformed, Reason, Refused

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
REMINDER_S: Final = 60.0

_log = logging.getLogger(__name__)


class Stopped(Exception):
    """The process is to end before the block did."""


class Away(Exception):
    """The target didn't take a block and may take it later.

    The text says what to do, `why` is a metric's label, `retry_after_s` what the target asked for.
    """

    def __init__(self, why: str, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.why = why
        self.retry_after_s = retry_after_s


class DataRefused(Exception):
    """The target can't take these records, now or later; the text says why."""


class Target(Protocol):
    """Where blocks go; used by one thread at a time. `send` and `probe` raise `Away` or `DataRefused`."""

    name: str
    failures: Sequence[str]
    """Every `Away.why` that it may give."""

    def send(self, pieces: Sequence[Piece]) -> int:
        """Bytes sent, once the target has taken them all."""

    def probe(self) -> int:
        """The same with a block of no rows, which nobody refuses for its data."""


class Letters(Protocol):
    """Where records go that nobody can read."""

    def send(self, refused: Sequence[tuple[Record, Refused]]) -> None:
        """Returns when all of them are written down."""


class Delivery:
    """Blocks to one target; for one thread at a time. `trouble` says why it doesn't take them right now."""

    def __init__(self, target: Target, letters: Letters, stop: threading.Event) -> None:
        self._target = target
        self._letters = letters
        self._stop = stop
        self._reminded = float("-inf")
        self.trouble: str | None = None
        metrics.begin(self.name, target.failures)

    @property
    def name(self) -> str:
        """The target's name: a metric's label."""
        return self._target.name

    def deliver(self, pieces: Sequence[Piece]) -> None:
        """Returns when every record is taken or among the dead letters, however long the target is away.

        Raises:
            Stopped: the process is to end; nothing is known about these records.
        """
        self._bury([(piece.record, piece.refused) for piece in pieces if piece.refused])
        readable = [piece for piece in pieces if piece.rows]
        if readable:
            self._send(readable)

    def _send(self, pieces: Sequence[Piece]) -> None:
        """Send all; where they are refused, halve until the record that is at fault is alone."""
        try:
            self._insist(lambda: self._target.send(pieces))
        except DataRefused as error:
            if len(pieces) == 1:
                self._bury_if_at_fault(pieces[0], error)
                return
            middle = len(pieces) // 2
            self._send(pieces[:middle])
            self._send(pieces[middle:])
        else:
            metrics.ROWS.labels(self.name).inc(sum(piece.rows for piece in pieces))

    def _bury_if_at_fault(self, piece: Piece, error: DataRefused) -> None:
        """A target that refuses even a block without rows refuses them all: then no record is at fault."""
        while True:
            try:
                self._insist(self._target.probe)
            except DataRefused as mismatch:
                self._wait(Away("schema", f"it refuses even a block without rows: {mismatch}"), LONGEST_PAUSE_S)
            else:
                break
        self._bury([(piece.record, Malformed(Reason.REFUSED_BY_TARGET, str(error)))])

    def _bury(self, refused: Sequence[tuple[Record, Refused]]) -> None:
        if not refused:
            return
        self._letters.send(refused)
        for record, why in refused:
            metrics.DEAD_LETTERS.labels(self.name, why.reason.value).inc()
            where = f"{record.topic}/{record.partition}/{record.offset}"
            _log.error(pairs("record dead-lettered", record=where, reason=why.reason.value, text=why))

    def _insist(self, attempt: Callable[[], int]) -> None:
        pause = FIRST_PAUSE_S
        while True:
            start = time.monotonic()
            try:
                size = attempt()
            except Away as error:
                self._wait(error, max(pause, error.retry_after_s or 0))
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                self._note_success(size, time.monotonic() - start)
                return

    def _note_success(self, size: int, took_s: float) -> None:
        metrics.SEND_SECONDS.labels(self.name).observe(took_s)
        metrics.BYTES.labels(self.name).inc(size)
        if self.trouble:
            _log.info(pairs("target takes records again", target=self.name))
        self.trouble, self._reminded = None, float("-inf")
        metrics.AWAY.labels(self.name).set(0)
        metrics.LAST_SUCCESS.labels(self.name).set_to_current_time()

    def _wait(self, error: Away, pause_s: float) -> None:
        metrics.FAILURES.labels(self.name, error.why).inc()
        metrics.AWAY.labels(self.name).set(1)
        self.trouble = f"{self.name} takes nothing: {error}"
        if time.monotonic() > self._reminded + REMINDER_S:
            self._reminded = time.monotonic()
            _log.warning(pairs("target took nothing and is tried again", target=self.name, why=error))
        if self._stop.wait(pause_s):
            raise Stopped
