"""Which span is in which request? A load as numbers: a pure function of its parameters.

Traces come in blocks of `block_traces`. A block's traces are cut into `pieces` by span number (the root has the
highest and so is in the last piece); request `r` carries piece 0 of block `r`, piece 1 of block `r - spread`, piece 2
of block `r - 2 * spread` and so on. Hence all full requests hold `block_traces * spans_per_trace` spans, and the
requests of one trace follow each other within `(pieces - 1) * spread`. A late trace keeps its first span back for an
extra piece, `late_after` requests after its root.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Profile = Literal["lean", "fat"]

VARIANTS: Final = 16
"""Blocks of different content before content repeats."""


class Section(NamedTuple):
    """A piece of a block, as it goes into one request; `traces` is below `block_traces` in the last block only."""

    block: int
    piece: int
    traces: int


def profile_named(name: str) -> Profile:
    """The profile of that name.

    Raises:
        ValueError: there is none.
    """
    match name:
        case "lean" | "fat":
            return name
        case _:
            raise ValueError(f"profile {name!r}: expected lean or fat")


@dataclass(frozen=True, slots=True)
class Workload:
    """A load. `late_every` and `rootless_every`: one trace in so many, 0 for none."""

    seed: int
    traces: int
    profile: Profile = "lean"
    spans_per_trace: int = 8
    block_traces: int = 50
    pieces: int = 3
    spread: int = 4
    late_every: int = 0
    late_after: int = 100
    rootless_every: int = 0

    def __post_init__(self) -> None:
        if self.traces < 0 or self.block_traces < 1 or self.spread < 1 or self.late_after < 1:
            raise ValueError("traces must be at least 0; block_traces, spread and late_after at least 1")
        if not 1 <= self.pieces <= self.spans_per_trace:
            raise ValueError(f"pieces must lie between 1 and spans_per_trace ({self.spans_per_trace}): {self.pieces}")
        if self.late_every and self.spans_per_trace < 2:
            raise ValueError("late_every needs at least 2 spans_per_trace: the root is never the late one")

    @property
    def spans(self) -> int:
        """Spans in all."""
        return self.traces * self.spans_per_trace

    @property
    def blocks(self) -> int:
        """Blocks in all, the last one perhaps not full."""
        return -(-self.traces // self.block_traces)

    @property
    def delays(self) -> tuple[int, ...]:
        """How many requests after its block's first one each piece comes; the late piece is the last."""
        regular = tuple(piece * self.spread for piece in range(self.pieces))
        return (*regular, regular[-1] + self.late_after) if self.late_every else regular

    @property
    def requests(self) -> int:
        """One more than the highest request number. Requests between may be empty."""
        return self.blocks + self.delays[-1] if self.blocks else 0

    def as_json(self) -> dict[str, Any]:
        """The parameters, for a ledger file."""
        return asdict(self)


def first_number(workload: Workload, piece: int) -> int:
    """The lowest span number of a piece; `pieces` as piece gives the number after the last."""
    return -(-workload.spans_per_trace * piece // workload.pieces)


def sections(workload: Workload, request: int) -> Iterator[Section]:
    """What a request carries."""
    for piece, delay in enumerate(workload.delays):
        block = request - delay
        if 0 <= block < workload.blocks:
            yield Section(block, piece, min(workload.block_traces, workload.traces - block * workload.block_traces))


def cells(workload: Workload, variant: int, piece: int) -> tuple[Numbers, Numbers]:
    """The spans of a piece in a full block: slots of their traces in the block (ascending), and span numbers."""
    slots = np.arange(workload.block_traces)
    late = is_late(workload, variant, slots)
    if piece == workload.pieces:
        return slots[late], np.zeros(int(late.sum()), dtype=np.int64)
    numbers = np.arange(first_number(workload, piece), first_number(workload, piece + 1))
    grid_slots, grid_numbers = np.repeat(slots, len(numbers)), np.tile(numbers, len(slots))
    here = ~(late[grid_slots] & (grid_numbers == 0))
    return grid_slots[here], grid_numbers[here]


def is_late(workload: Workload, variant: int, slots: Numbers) -> npt.NDArray[np.bool_]:
    """Which traces of a block keep their first span back."""
    return _every(workload, variant, slots, workload.late_every)


def is_rootless(workload: Workload, variant: int, slots: Numbers) -> npt.NDArray[np.bool_]:
    """Which traces of a block have a last span whose parent is never sent."""
    return _every(workload, variant, slots + 1, workload.rootless_every)


def _every(workload: Workload, variant: int, slots: Numbers, every: int) -> npt.NDArray[np.bool_]:
    if not every:
        return np.zeros(len(slots), dtype=bool)
    chosen: npt.NDArray[np.bool_] = (variant * workload.block_traces + slots) % every == every - 1
    return chosen


def spans_of(workload: Workload, request: int) -> tuple[Numbers, Numbers]:
    """Trace numbers and span numbers of a request's spans, in the order in which they lie in it."""
    traces, numbers = [], []
    for section in sections(workload, request):
        slots, spans = cells(workload, section.block % VARIANTS, section.piece)
        kept = slots < section.traces
        traces.append(section.block * workload.block_traces + slots[kept])
        numbers.append(spans[kept])
    nothing = np.empty(0, dtype=np.int64)
    return np.concatenate([nothing, *traces]), np.concatenate([nothing, *numbers])
