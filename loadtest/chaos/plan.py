"""What fails, when, and for how long? Drawn from a seed: the same seed gives the same plan.

A plan goes in rounds: something that lasts, with a stroke or two at random moments while it does, then a while in which
all may heal. Now and then a round begins before the last one is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class Kind(StrEnum):
    """What is done to something."""

    KILL = "kill"
    """SIGKILL."""
    FREEZE = "freeze"
    """SIGSTOP for longer than any consumer group waits for a member, then SIGCONT."""
    JOIN = "join"
    """One more worker comes, works, and leaves by SIGTERM."""
    AWAY = "away"
    """It is stopped, and killed whenever it is started again, until the end."""
    REFUSE = "refuse"
    """The store takes no inserts, because there are too many parts."""
    FULL = "full"
    """Its disk is full."""
    BLACKOUT = "blackout"
    """Everything is killed at once, and started again."""
    CALM = "calm"
    """Nothing: the strokes of its round hit what is well."""


ONE_OF: Final = ("ingest", "ingest worker", "streams", "sinks", "store", "api", "kafka")
"""Every process that there is; of `ingest` the parent, `ingest worker` its children."""
DISKS: Final = ("store", "kafka")
ALL: Final = "everything"

Blow = tuple[Kind, str]
"""A kind and a target."""

STROKES: Final[Sequence[Blow]] = (*((Kind.KILL, target) for target in ONE_OF), (Kind.JOIN, "streams"))
FIRST: Final[Sequence[Sequence[Blow]]] = (
    ((Kind.AWAY, "store"),),
    ((Kind.REFUSE, "store"),),
    tuple((Kind.FULL, target) for target in DISKS),
    tuple((Kind.FREEZE, target) for target in ONE_OF),
    ((Kind.BLACKOUT, ALL),),
)
"""Of each group one has its turn before any group has its second."""

WARM_UP_S: Final = 6.0
HEAL_S: Final = (3.0, 7.0)
LONGER_S: Final = {Kind.FULL: 8.0, Kind.BLACKOUT: 20.0}
"""What it takes to heal besides: processes are started again later and later, or all of them have to start."""
OVERLAP: Final = 0.2
AWAY_SHARE: Final = 0.2
LEAST_AWAY_S: Final = 6.0
NOT_AWAY_S: Final = 50.0
"""The store is away for a fifth of what the run is longer than this: 110 of 600 s."""
LENGTHS_S: Final = {
    Kind.KILL: (0.0, 0.0),
    Kind.FREEZE: (12.0, 16.0),
    Kind.JOIN: (15.0, 25.0),
    Kind.REFUSE: (9.0, 15.0),
    Kind.FULL: (8.0, 14.0),
    Kind.BLACKOUT: (1.0, 4.0),
    Kind.CALM: (3.0, 6.0),
}
AFTERWARDS_S: Final = 2.0
"""A stroke may still fall so long after what lasted has ended."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is done when, in seconds from the start; `pick` (0 to 1) chooses among several processes of the target."""

    at_s: float
    kind: Kind
    target: str
    lasts_s: float
    pick: float

    def __str__(self) -> str:
        lasts = f" for {self.lasts_s:.1f} s" if self.lasts_s else ""
        return f"{self.at_s:6.1f} s  {self.kind} {self.target}{lasts}"


def draw(seed: int, seconds: float) -> list[Fault]:
    """The plan of a run, in the order of its times; all ends with the run."""
    dice = Random(seed)
    strokes, begin_s, faults = _decks(dice, STROKES), WARM_UP_S, list[Fault]()
    for blow in _lasting(dice):
        fault = _fault(dice, blow, begin_s, seconds)
        end_s = begin_s + fault.lasts_s
        if end_s > seconds:
            break
        faults += [fault] if fault.kind is not Kind.CALM else []
        for _ in range(dice.choice((1, 1, 2))):
            at_s = dice.uniform(begin_s, end_s + AFTERWARDS_S)
            faults.append(_fault(dice, next(strokes), min(at_s, seconds), seconds))
        overlaps = dice.random() < OVERLAP
        heal_s = dice.uniform(*HEAL_S) + LONGER_S.get(fault.kind, 0.0)
        begin_s = dice.uniform(begin_s, end_s) if overlaps else end_s + heal_s
    return sorted(faults)


def _fault(dice: Random, blow: Blow, at_s: float, seconds: float) -> Fault:
    kind, target = blow
    away_s = max((seconds - NOT_AWAY_S) * AWAY_SHARE, LEAST_AWAY_S)
    drawn_s = away_s if kind is Kind.AWAY else dice.uniform(*LENGTHS_S[kind])
    lasts_s = min(drawn_s, seconds - at_s) if kind is Kind.JOIN else drawn_s
    return Fault(round(at_s, 1), kind, target, round(lasts_s, 1), round(dice.random(), 3))


def _lasting(dice: Random) -> Iterator[Blow]:
    """One of each group first, then what is left of them, then all again and again."""
    first = [dice.choice(group) for group in FIRST]
    dice.shuffle(first)
    yield from first
    everything = [blow for group in FIRST for blow in group] + [(Kind.CALM, "")] * 2
    left = [blow for blow in everything if blow not in first]
    dice.shuffle(left)
    yield from left
    yield from _decks(dice, everything)


def _decks(dice: Random, blows: Sequence[Blow]) -> Iterator[Blow]:
    """All of them in random order, again and again."""
    while True:
        yield from dice.sample(blows, len(blows))
