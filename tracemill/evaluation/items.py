"""What closed, decoded: in which turns, and how much of it at once?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from tracemill.assembly.trace import Closing, Piece
from tracemill.decode.groups import Origins, Sender
from tracemill.decode.spans import UndecodableError, decode
from tracemill.evaluation.judge import Case
from tracemill.evaluation.output import Output
from tracemill.frame import read
from tracemill.sampling.history import History, slot_of

Mask = npt.NDArray[np.bool_]

SLICE_BYTES: Final = 48 * 1024 * 1024
"""Of spans, each with its resource and scope, that are decoded at once; bounds the memory of a flush."""
SPAN_BYTES: Final = 600
"""Memory that a decoded span takes beside its bytes: its columns."""


@dataclass(frozen=True, slots=True)
class Item:
    output: Output
    closing: Closing
    history: History

    @property
    def case(self) -> Case:
        closing = self.closing
        return Case(closing.trace.key[:16], closing.steering, self.history, closing.closed_at)

    @property
    def pieces(self) -> list[Piece]:
        pieces = self.closing.decided.pieces
        if pieces is None:
            raise LookupError("the spans of a decided trace must be brought back from the log before the flush")
        return pieces


class Decoded:
    """The spans of closed traces, decoded; which are new since the trace was last decided, and which came late."""

    def __init__(self, items: list[Item], origins: Origins) -> None:
        chunks, senders, offsets, counts = zip(*chain.from_iterable(item.pieces for item in items), strict=True)
        decoded = decode(b"".join(chunks))
        if decoded.count != sum(counts):
            raise UndecodableError(f"{decoded.count} spans where the index says {sum(counts)}")
        per_trace = np.array([len(item.pieces) for item in items])
        known = np.cumsum(per_trace) - np.array([len(item.closing.trace.pieces) for item in items])
        through = np.array([item.closing.decided.first_through for item in items])
        piece = np.repeat(np.arange(len(chunks)), counts)
        owner = np.repeat(np.arange(len(items)), per_trace)[piece]
        numbers: dict[Sender, int] = {}
        codes = np.array([numbers.setdefault(sender, len(numbers)) for sender in senders])
        self.own: Mask = piece >= known[owner]
        self.late: Mask = np.array(offsets)[piece] > through[owner]
        self.frame = read(decoded, owner, codes[piece], origins.read(list(numbers)))


def turns(items: Iterable[Item]) -> Iterable[list[Item]]:
    """In each turn what closed in one slot of every partition: what is decided in a slot shows in the next one."""
    turns: dict[int, list[Item]] = defaultdict(list)
    turn, place = 0, (-1, -1)
    for item in items:
        partition, slot = item.output.partition, slot_of(item.closing.closed_at)
        if (partition, slot) != place:
            turn = turn + 1 if partition == place[0] else 0
            place = partition, slot
        turns[turn].append(item)
    return [turns[turn] for turn in sorted(turns)]


def slices(items: list[Item]) -> Iterator[list[Item]]:
    """Runs of items of at most `SLICE_BYTES`, at least one item each."""
    run: list[Item] = []
    size = 0
    for item in items:
        weight = sum(_decoded_bytes(piece) for piece in item.pieces)
        if run and size + weight > SLICE_BYTES:
            yield run
            run, size = [], 0
        run.append(item)
        size += weight
    if run:
        yield run


def _decoded_bytes(piece: Piece) -> int:
    chunk, sender, _, spans = piece
    return len(chunk) + spans * (SPAN_BYTES + sender.size)
