"""Which records wait for the next insert into a table, and when is it due?

Quiet: soon after a record came, but not more than one insert in `linger_ms`, so that a lone trace is visible at once
and a trickle makes few parts. Under load: after `load_linger_ms`, or as soon as a block is full, because the store
pays by the part and readers pay for every part that isn't merged yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sinks.records import Piece

LOAD_ROWS: Final = 250
"""So many rows at once are load."""
SETTLE_MS: Final = 20
"""Records of one flush of a stream worker come within this time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When an insert is due: see the section `sinks` of the configuration."""

    insert_rows: int
    insert_bytes: int
    linger_ms: int
    load_linger_ms: int


class Buffer:
    """Records of one topic in the order in which they were read; times are any clock's milliseconds."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._pieces: deque[Piece] = deque()
        self._since_ms = 0.0
        self._taken_ms = float("-inf")
        self._loaded = False
        self.rows = 0
        self.size = 0

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, piece: Piece, now_ms: float) -> None:
        """Append a record."""
        if not self._pieces:
            self._since_ms = now_ms
        self._pieces.append(piece)
        self.rows += piece.rows
        self.size += len(piece.record.value)

    def due(self, now_ms: float) -> bool:
        """Whether a block should be taken now."""
        if not self._pieces:
            return False
        if self.rows >= self._pace.insert_rows or self.size >= self._pace.insert_bytes:
            return True
        still_loaded = self._loaded and self._since_ms < self._taken_ms + self._pace.load_linger_ms
        if still_loaded or self.rows >= LOAD_ROWS:
            return now_ms >= self._since_ms + self._pace.load_linger_ms
        return now_ms >= max(self._since_ms + SETTLE_MS, self._taken_ms + self._pace.linger_ms)

    def take(self, now_ms: float) -> list[Piece]:
        """The oldest records, up to one full block; at least one record if there is any."""
        block: list[Piece] = []
        rows = size = 0
        while self._pieces and rows < self._pace.insert_rows and size < self._pace.insert_bytes:
            piece = self._pieces.popleft()
            block.append(piece)
            rows += piece.rows
            size += len(piece.record.value)
        self.rows -= rows
        self.size -= size
        self._loaded = rows >= LOAD_ROWS
        self._taken_ms = self._since_ms = now_ms
        return block

    def drop(self, partitions: Collection[int]) -> None:
        """Forget what was read from partitions that someone else reads now."""
        self._pieces = deque(piece for piece in self._pieces if piece.record.partition not in partitions)
        self.rows = sum(piece.rows for piece in self._pieces)
        self.size = sum(len(piece.record.value) for piece in self._pieces)
