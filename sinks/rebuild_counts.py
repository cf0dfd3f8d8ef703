"""What has come of a rebuild so far, and who is told?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runtime.dead_letters import Record
from sinks.delivery import Target
from sinks.records import Piece, Table
from sinks.slices import Key, Loss, Slice
from tracemill.errors import Refused


@dataclass(slots=True)
class Progress:
    """What was read and stored so far, and where in each slice that is."""

    slices: Sequence[Slice]
    records: int = 0
    bytes: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    refused: int = 0
    stored: dict[Key, int] = field(default_factory=dict)
    stored_ms: dict[Key, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Of the records of the topic that is further behind, how many are done: stored, refused or lost."""
        wanted, done = Counter[str](), Counter[str]()
        for each in self.slices:
            wanted[each.topic] += len(each)
            done[each.topic] += self.stored.get(each.key, each.start) - each.start
        return min((done[topic] / count for topic, count in wanted.items() if count), default=1.0)

    def through_ms(self, from_ms: int) -> int:
        """Every record before this time is done, of those from `from_ms` on."""
        undone = [each for each in self.slices if self.stored.get(each.key, each.start) < each.end]
        return min((self.stored_ms.get(each.key, from_ms) for each in undone), default=from_ms)


class Teller(Protocol):
    """Who is told how it goes. May be called from several threads."""

    def waits(self, why: str) -> None:
        """The store or the broker is away, and is asked again."""

    def lost(self, loss: Loss) -> None:
        """The log no longer gives these records."""

    def refused(self, record: Record, why: Refused) -> None:
        """Nobody can read this record, or the store doesn't take it."""

    def goes_on(self, progress: Progress) -> None:
        """Said every few seconds."""


class Counted:
    """A target that counts the rows it took."""

    def __init__(self, target: Target, progress: Progress) -> None:
        self.name = target.name
        self.failures = target.failures
        self._target = target
        self._rows = progress.rows
        self._rows[self.name] = 0

    def send(self, pieces: Sequence[Piece]) -> int:
        """See `sinks.delivery.Target`."""
        size = self._target.send(pieces)
        self._rows[self.name] += sum(piece.rows for piece in pieces)
        return size

    def probe(self) -> int:
        """See `sinks.delivery.Target`."""
        return self._target.probe()


class Nowhere:
    """A target that takes everything and keeps nothing: what a rebuild would read can be counted."""

    failures = ()

    def __init__(self, table: Table) -> None:
        self.name = table.landing

    def send(self, pieces: Sequence[Piece]) -> int:
        """Nothing is sent."""
        return 0

    def probe(self) -> int:
        """Nor here."""
        return 0


class Refusals:
    """Letters that aren't written: the sinks have set these records aside when they met them."""

    def __init__(self, progress: Progress, teller: Teller) -> None:
        self._progress = progress
        self._teller = teller

    def send(self, refused: Sequence[tuple[Record, Refused]]) -> None:
        """Count and tell them."""
        for record, why in refused:
            self._progress.refused += 1
            self._teller.refused(record, why)
