"""What is a record on its way to the store, and which table does it go to?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from runtime.dead_letters import Record
from tracemill.errors import Refused
from tracemill.topics import Topic

Body = Sequence[bytes | memoryview]
"""What is sent in one insert, in slices of the records: joining tens of megabytes costs as much as reading them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A record that was looked at: how many rows it holds, and its rows' bytes as they are.

    `schema` is the Arrow message that says how to read `body` (empty for JSON). A record that is `refused` has no rows
    and goes to the dead letters in its turn, so that offsets are committed in order.
    """

    record: Record
    rows: int
    schema: bytes
    body: memoryview
    refused: Refused | None = None


def refused(record: Record, why: Refused) -> Piece:
    """The piece of a record that nobody can read."""
    return Piece(record, 0, b"", memoryview(b""), why)


def json_lines(pieces: Sequence[Piece]) -> Iterator[Body]:
    """One body of pieces that are JSON objects each; none where there are none."""
    if pieces:
        yield (b"\n".join(piece.body for piece in pieces),)


@dataclass(frozen=True, slots=True)
class Table:
    """A landing table: the topic it is filled from, the insert format, and how records become insert bodies.

    `read` raises `Refused` for a record that isn't what its topic says. `bodies` takes pieces that aren't refused, and
    gives one body for each set of pieces that can share one. `probe` is a body without rows.
    """

    topic: Topic
    landing: str
    format: str
    read: Callable[[Record], Piece]
    bodies: Callable[[Sequence[Piece]], Iterator[Body]]
    probe: bytes
