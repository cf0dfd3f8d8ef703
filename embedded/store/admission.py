"""How much does the server take in at once? Bodies by their bytes, statements by their number; the rest waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from embedded.store.compression import too_large
from embedded.store.failures import QueryFailed

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class ClientGone(Exception):
    """The client hung up: nobody waits for an answer, and a body that isn't whole is no insert."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`parallel` statements run, `waiting` wait; a body has at most `body_bytes`, all of them `held_bytes`."""

    parallel: int = 4
    waiting: int = 128
    body_bytes: int = 128 * 1024**2
    held_bytes: int = 256 * 1024**2


@dataclass(slots=True)
class Admission:
    """Who is in and who waits, on one event loop."""

    limits: Limits
    _held_bytes: int = 0
    _waiting: int = 0
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.limits.parallel)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A turn in the engine.

        Raises:
            QueryFailed: too many wait already.
        """
        if self._waiting >= self.limits.waiting:
            raise QueryFailed(
                202,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
                f"Too many simultaneous queries: {self.limits.parallel} run, {self.limits.waiting} wait. Try later",
            )
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    @asynccontextmanager
    async def body(self, receive: Receive) -> AsyncIterator[list[bytes]]:
        """The whole body in pieces, uncopied, counted as held until the block ends.

        Raises:
            QueryFailed: it is too large, or all that are held are; the rest of it was read and thrown away, because
                a client that is still sending doesn't read an answer.
            ClientGone: the client hung up before its end.
        """
        pieces: list[bytes] = []
        try:
            await self._read(receive, pieces)
            yield pieces
        finally:
            self._let_go(pieces)

    async def _read(self, receive: Receive, pieces: list[bytes]) -> None:
        size, refused = 0, None
        async for piece in _pieces(receive):
            size += len(piece)
            refused = refused or self._refusal(size, len(piece))
            if refused:
                self._let_go(pieces)
            else:
                pieces.append(piece)
                self._held_bytes += len(piece)
        if refused:
            raise refused

    def _refusal(self, size: int, more: int) -> QueryFailed | None:
        if size > self.limits.body_bytes:
            return too_large(self.limits.body_bytes)
        if self._held_bytes + more > self.limits.held_bytes:
            return QueryFailed(202, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many bodies are being taken in: try later")
        return None

    def _let_go(self, pieces: list[bytes]) -> None:
        self._held_bytes -= sum(map(len, pieces))
        pieces.clear()


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        if piece := message.get("body", b""):
            yield piece
        if not message.get("more_body", False):
            return
