"""Does the memory of each process stay flat? Its course over a run, and the line through the settled part of it.

Judged is anonymous memory (RssAnon): what a process itself asked for, and what the kernel can't take back. The rest of
what is resident are pages of files, for example of programs and of Kafka's indexes, which is told beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtest.accounting import Key, Sample
from loadtest.endurance.trend import Floats, Trend, trend

FLAT_SHARE: Final = 0.05
"""Of its level an hour: a process that grows by less takes a day to double, at least."""
FLAT_BYTES: Final = 4e6
"""An hour, below which growth doesn't matter however small the process is: less than 100 MB a day."""
JUDGED_S: Final = 1_200.0
"""A line through less than so much time says nothing of an hour."""
FEWEST: Final = 4
"""Samples that a trend and its second half are drawn from, at least."""


@dataclass(frozen=True, slots=True)
class Course:
    """The memory of one process, in bytes, at so many seconds after the load began."""

    name: str
    """Its part, with a number where a part has several."""
    pid: int
    at_s: Floats
    resident: Floats
    anonymous: Floats
    peak_bytes: int

    def since(self, at_s: float) -> Course:
        """From a moment on."""
        later = self.at_s >= at_s
        return Course(
            self.name, self.pid, self.at_s[later], self.resident[later], self.anonymous[later], self.peak_bytes
        )

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        return {
            "name": self.name,
            "pid": self.pid,
            "peak_bytes": self.peak_bytes,
            "at_s": self.at_s.round(1).tolist(),
            "resident_bytes": self.resident.astype(int).tolist(),
            "anonymous_bytes": self.anonymous.astype(int).tolist(),
        }


@dataclass(frozen=True, slots=True)
class Growth:
    """How a process's memory went on after a moment. `half` is the trend of the second half of the time alone."""

    course: Course
    whole: Trend
    half: Trend

    @property
    def flat(self) -> bool | None:
        """Whether it doesn't grow by more than `FLAT_SHARE` of its level an hour, or `FLAT_BYTES` where that is more;
        None if the time was too short to say."""
        if self.course.at_s[-1] - self.course.at_s[0] < JUDGED_S:
            return None
        return self.whole.per_hour <= max(FLAT_SHARE * self.whole.level, FLAT_BYTES)

    def as_json(self) -> dict[str, Any]:
        """Everything but the course."""
        return {
            "name": self.course.name,
            "flat": self.flat,
            "level_bytes": round(self.whole.level),
            "bytes_per_hour": round(self.whole.per_hour),
            "bytes_per_hour_second_half": round(self.half.per_hour),
            "noise_bytes": round(self.whole.noise),
        }


def courses(samples: Sequence[Sample], began_s: float, ended_s: float) -> list[Course]:
    """Of every process that was seen between two moments of the monotonic clock, by parts and the oldest first."""
    during = [sample for sample in samples if began_s <= sample.at_s <= ended_s]
    keys = {(sample.readings[key].part, key) for sample in during for key in sample.readings}
    return [_course(name, key, during, began_s) for name, key in _named(keys)]


def lasting(everyone: Iterable[Course], from_s: float, until_s: float) -> list[Course]:
    """Those that were there all the time between two moments, so that a trend says something."""
    return [
        course
        for course in everyone
        if course.at_s[0] <= from_s and course.at_s[-1] >= until_s and len(course.since(from_s).at_s) >= FEWEST
    ]


def growth(course: Course, from_s: float) -> Growth:
    """Of the course from a moment on."""
    settled = course.since(from_s)
    half = settled.since((settled.at_s[0] + settled.at_s[-1]) / 2)
    return Growth(settled, trend(settled.at_s, settled.anonymous), trend(half.at_s, half.anonymous))


def _named(keys: Iterable[tuple[str, Key]]) -> Iterator[tuple[str, Key]]:
    """A name for each process: its part's, and a number from the second on; the oldest first."""
    count: dict[str, int] = {}
    for part, (pid, started) in sorted(keys, key=lambda each: (each[0], each[1][1])):
        count[part] = count.get(part, 0) + 1
        yield part if count[part] == 1 else f"{part} {count[part]}", (pid, started)


def _course(name: str, key: Key, samples: Sequence[Sample], began_s: float) -> Course:
    seen = [(sample.at_s - began_s, sample.readings[key].memory) for sample in samples if key in sample.readings]
    return Course(
        name=name,
        pid=key[0],
        at_s=np.array([at_s for at_s, _ in seen]),
        resident=np.array([memory.resident_bytes for _, memory in seen], dtype=float),
        anonymous=np.array([memory.anonymous_bytes for _, memory in seen], dtype=float),
        peak_bytes=max(memory.peak_bytes for _, memory in seen),
    )
