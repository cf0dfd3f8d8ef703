"""Which pieces share a record? Those of many requests and tenants, until the bundle is full or has waited enough.

All of it runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from tracemill.bundles import join_index, pack_group
from tracemill.errors import Busy
from tracemill.otlp.split import Piece

Done = Callable[[Busy | None], None]
"""Called once, on the event loop's thread: with None when the broker has acknowledged."""


class Log(Protocol):
    """Where bundles go."""

    def append(self, partition: int, value: bytes, index: bytes, done: Done) -> None:
        """Write a record to a partition of `otlp`; `done` is called in any case."""


class Ticket:
    """A request that waits until all of its pieces are acknowledged."""

    __slots__ = ("_left", "future")

    def __init__(self, pieces: int) -> None:
        self._left = pieces
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, error: Busy | None) -> None:
        """A piece was acknowledged, or wasn't; the first failure is the request's."""
        self._left -= 1
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        elif not self._left:
            self.future.set_result(None)


class _Bundle:
    """Pieces that wait to become one record."""

    __slots__ = ("index", "size", "tickets", "value", "value_size")

    def __init__(self) -> None:
        self.value: list[bytes] = []
        self.value_size = 0
        self.index: list[bytes] = []
        self.size = 0
        self.tickets: list[Ticket] = []

    def add(self, piece: Piece, ticket: Ticket) -> None:
        packed = pack_group(piece.group, self.value_size)
        self.value += piece.parts
        self.value_size += piece.size
        self.index.append(packed)
        self.size += piece.size + len(packed)
        self.tickets.append(ticket)

    def settle(self, error: Busy | None) -> None:
        for ticket in self.tickets:
            ticket.settle(error)


class Bundler:
    """Collects pieces by partition and appends a bundle when it is full or the oldest piece has waited `linger_s`.

    All partitions are flushed at once: a request has pieces for most of them, and fewer, larger records are cheaper
    for whoever reads them.
    """

    def __init__(self, log: Log, linger_s: float, bundle_bytes: int) -> None:
        self._log = log
        self._linger_s = linger_s
        self._bundle_bytes = bundle_bytes
        self._open: dict[int, _Bundle] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def write(self, pieces: Sequence[Piece]) -> None:
        """Return when the broker has acknowledged all pieces.

        Raises:
            Busy: it hasn't; some of the pieces may be in the log all the same.
        """
        if not pieces:
            return
        ticket = Ticket(len(pieces))
        for piece in pieces:
            self._add(piece, ticket)
        if self._timer is None and self._open:
            self._timer = asyncio.get_running_loop().call_later(self._linger_s, self.flush)
        await ticket.future

    def flush(self) -> None:
        """Append what there is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for partition in list(self._open):
            self._send(partition)

    def _add(self, piece: Piece, ticket: Ticket) -> None:
        bundle = self._open.get(piece.partition)
        if bundle is not None and bundle.size + piece.size > self._bundle_bytes:
            self._send(piece.partition)
            bundle = None
        if bundle is None:
            bundle = self._open[piece.partition] = _Bundle()
        bundle.add(piece, ticket)
        if bundle.size >= self._bundle_bytes:
            self._send(piece.partition)

    def _send(self, partition: int) -> None:
        bundle = self._open.pop(partition)
        self._log.append(partition, b"".join(bundle.value), join_index(bundle.index), bundle.settle)
