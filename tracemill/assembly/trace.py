"""What is known of a trace while it is open, when it closes, and once it was decided?"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from tracemill.decode.groups import Sender
from tracemill.sampling.steering import Steering


class ClosedBy(StrEnum):
    """Why a trace was closed."""

    COMPLETE = "complete"
    IDLE = "idle"
    MAX_AGE = "max_age"
    MAX_SPANS = "max_spans"
    MAX_BYTES = "max_bytes"
    MEMORY = "memory"


class Anchor(NamedTuple):
    """A partition's state just before a record: where reading can begin again, and what time it was then."""

    offset: int
    now_ms: int | None
    append_ms: int
    steering: Steering = Steering()


class Verdict(NamedTuple):
    """What was decided about a trace, and what for."""

    keep: bool
    policy: str
    probability: float
    adjusted_count: float
    rules: str


@dataclass(slots=True)
class Hold:
    """Keeps a partition's commit at or before `anchor` until it is released."""

    anchor: Anchor
    released: bool = False


Piece = tuple[bytes, Sender, int, int]
"""A chunk of a bundle: its bytes, who sent it, the offset of the record it came in, how many spans it holds."""


@dataclass(slots=True, eq=False)
class Decided:
    """A trace that was closed. `verdict` and `revision` are filled in when its flush has decided.

    `pieces` is None once its spans have left memory: then they are in the log, in the records at `records`. What came
    in a record after `first_through` came late. `spans` and `span_bytes` are those of all its spans so far, however
    often one came. `settled` says that it is remembered elsewhere too, `whole` whether all of it can be had: from the
    log, and not beyond what a trace may have. Of one that is beyond it, `records` and `pieces` are the latest only.
    """

    key: bytes
    opened_at: int
    closed_at: int
    records: list[int]
    first_through: int
    rooted: bool
    pieces: list[Piece] | None
    spans: int = 0
    span_bytes: int = 0
    revision: int = 0
    verdict: Verdict | None = None
    settled: bool = False
    whole: bool = True

    @property
    def last_offset(self) -> int:
        """Offset of the last record that was decided with it."""
        return self.records[-1]


@dataclass(slots=True, eq=False)
class OpenTrace:
    """The spans of a trace that came since it was opened, or since it was last decided (`before`).

    `spans` and `span_bytes` count them; `size` is the memory that they take, which a partition's budget counts.
    `records` are the offsets of the records they came in, `times` those records' log times, `sizes` the memory for
    each; `listed` of them have been written down by a `Carry`. A record may also have `promoted` it by hand, for the
    reason named there: it is among them without spans. `told` says that nobody but that record knows what `before`
    was. A `shadow` has no spans: see `Shadows`.
    """

    key: bytes
    opened_at: int
    first_at: int
    last_at: int
    before: Decided | None
    rooted: bool
    hold: Hold | None = None
    spans: int = 0
    span_bytes: int = 0
    size: int = 0
    listed: int = 0
    unlisted_at: int = 0
    is_open: bool = True
    shadow: bool = False
    promoted: str = ""
    told: bool = False
    records: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    @property
    def waits_for_quiet(self) -> bool:
        """Whether a quiet period closes it: its root is there, or it was decided before."""
        return self.rooted or self.before is not None


class Closing(NamedTuple):
    """A trace that was closed: to be decided in the next flush."""

    trace: OpenTrace
    decided: Decided
    closed_by: ClosedBy
    closed_at: int
    cause: int
    steering: Steering


class Carry(NamedTuple):
    """An open trace whose latest records are written down, so that the commit needn't wait for it any longer."""

    trace: OpenTrace
    records: tuple[int, ...]
    times: tuple[int, ...]
    sizes: tuple[int, ...]
    rooted: bool
    promoted: str
    carried_at: int
    cause: int
    hold: Hold | None


Event = Closing | Carry
