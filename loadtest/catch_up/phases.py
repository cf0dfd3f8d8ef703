"""How large was the backlog, and how long did it take until it was gone? From what was seen meanwhile."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, NamedTuple

from loadtest.catch_up.sightings import Counts, Sighting

CAUGHT_UP_S: Final = 2.0
"""Caught up is who is behind by no more than this longer than usual: by the oldest unread record of any partition, and
by what was decided last. (What was read may wait, closed, to be decided.)"""


class Usual(NamedTuple):
    """How far the stream workers were behind when all was well: `lag_s` by the oldest unread record and `overdue_s` by
    the traces that were decided, on average, and `undecided` spans; half of the time more. `counts` are those that they
    were seen with last."""

    lag_s: float
    overdue_s: float
    undecided: int
    counts: Counts


def usual(sightings: Sequence[Sighting], down_s: float, back_s: float) -> Usual:
    """Before the workers went down; what they were seen to do while they stopped counts.

    Raises:
        ValueError: they weren't seen.
    """
    well = [each for each in sightings if each.at_s < down_s]
    lags_s = [each.lag_s for each in well if each.lag_s is not None]
    if not lags_s:
        raise ValueError("the stream workers weren't seen before they went down")
    done = well[-1].streams
    return Usual(
        lag_s=median(lags_s),
        overdue_s=done.overdue_s / max(done.decisions, 1),
        undecided=int(median(map(_undecided, well))),
        counts=[each for each in sightings if each.at_s < back_s][-1].streams,
    )


def caught_up(sightings: Sequence[Sighting], since_s: float, before: Usual) -> Sighting | None:
    """The first sighting since a moment in which the stream workers were caught up."""
    done, overdue_s = before.counts, math.inf
    for each in sightings:
        if each.at_s < since_s:
            continue
        decisions = each.streams.decisions - done.decisions
        if decisions:
            overdue_s = (each.streams.overdue_s - done.overdue_s) / decisions
        done = each.streams
        unread_s = math.inf if each.lag_s is None else each.lag_s
        if unread_s < before.lag_s + CAUGHT_UP_S and overdue_s < before.overdue_s + CAUGHT_UP_S:
            return each
    return None


def stored(sightings: Sequence[Sighting], since_s: float) -> Sighting | None:
    """The first sighting since a moment in which the sinks were caught up."""

    def is_it(each: Sighting) -> bool:
        return each.at_s >= since_s and each.sinks_lag_s is not None and each.sinks_lag_s < CAUGHT_UP_S

    return next(filter(is_it, sightings), None)


@dataclass(frozen=True, slots=True)
class Phases:
    """From when the workers went down until all was caught up, on the monotonic clock.

    Undecided spans are those that were accepted, less those of decided traces: traces that are open are among them.
    """

    down_s: float
    back_s: float
    """Since then they may come back."""
    began_s: float
    """The worker began then."""
    reads_s: float
    """A moment at which they had read nothing yet, and soon after had: the phase of catching up begins."""
    caught_up_s: float
    stored_s: float | None
    """When the sinks were caught up as well; None if they weren't as long as the load went on."""
    before: Usual
    backlog_back: int
    """Spans that were undecided when they might come back."""
    backlog_reads: int
    """And when they began to read."""
    backlog_caught_up: int
    accepted: int
    """Spans that came while they caught up."""
    decided: int
    """Spans of the traces that they decided meanwhile."""
    closed: Counter[str]
    """Those traces by `closed_by`."""
    restarts: int
    """Workers that ended meanwhile, and were started again."""

    @property
    def seconds(self) -> float:
        """Of catching up, from the first record that was read."""
        return self.caught_up_s - self.reads_s

    @property
    def spans_per_s(self) -> float:
        """Decided while they caught up."""
        return self.decided / self.seconds

    @property
    def spans_per_s_since_began(self) -> float:
        """The same with the time that it took to start, to join the group and to take the partitions over."""
        return self.decided / (self.caught_up_s - self.began_s)

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file; seconds since they might come back."""
        return {
            "down_seconds": round(self.back_s - self.down_s, 1),
            "began_after_s": round(self.began_s - self.back_s, 1),
            "reads_after_s": round(self.reads_s - self.back_s, 1),
            "caught_up_after_s": round(self.caught_up_s - self.back_s, 1),
            "stored_after_s": None if self.stored_s is None else round(self.stored_s - self.back_s, 1),
            "lag_before_s": round(self.before.lag_s, 2),
            "overdue_before_s": round(self.before.overdue_s, 2),
            "undecided_before_spans": self.before.undecided,
            "backlog_back_spans": self.backlog_back,
            "backlog_reads_spans": self.backlog_reads,
            "backlog_caught_up_spans": self.backlog_caught_up,
            "seconds": round(self.seconds, 1),
            "accepted_spans": self.accepted,
            "decided_spans": self.decided,
            "spans_per_s": round(self.spans_per_s),
            "spans_per_s_since_began": round(self.spans_per_s_since_began),
            "restarts": self.restarts,
            "closed_before": dict(self.before.counts.closed),
            "closed": dict(self.closed),
        }


def phases(sightings: Sequence[Sighting], down_s: float, back_s: float, began_s: float) -> Phases:
    """What happened, once it is caught up.

    Raises:
        ValueError: the workers weren't seen before they went down, or aren't caught up.
    """
    before = usual(sightings, down_s, back_s)
    end = caught_up(sightings, back_s, before)
    if end is None:
        raise ValueError("the stream workers aren't caught up")
    later = [each for each in sightings if each.at_s >= back_s]
    gone = [each for each in sightings if each.at_s < back_s][-1]
    first = next(number for number, each in enumerate(later) if each.streams.records > before.counts.records)
    reads, reading, in_store = [gone, *later][first], later[first], stored(later, end.at_s)
    return Phases(
        down_s=down_s,
        back_s=back_s,
        began_s=began_s,
        reads_s=reads.at_s,
        caught_up_s=end.at_s,
        stored_s=in_store.at_s if in_store else None,
        before=before,
        backlog_back=_undecided(gone),
        backlog_reads=_undecided(reads),
        backlog_caught_up=_undecided(end),
        accepted=end.accepted - reads.accepted,
        decided=end.streams.spans - reads.streams.spans,
        closed=end.streams.closed - reads.streams.closed,
        restarts=end.streams.processes - reading.streams.processes,
    )


def _undecided(sighting: Sighting) -> int:
    return sighting.accepted - sighting.streams.spans
