"""Each process has its course, only those that stayed have a trend, and flat means what the report says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.accounting import Memory, Reading, Sample
from loadtest.endurance.memory import FLAT_BYTES, FLAT_SHARE, JUDGED_S, Course, courses, growth, lasting
from loadtest.endurance.trend import HOUR_S

FIRST, SECOND, GONE, LATER = (7, 100), (8, 200), (9, 150), (7, 900)
"""The last has the id of the first, which was free again."""


def _reading(part: str, megabytes: float) -> Reading:
    own = int(megabytes * 1e6)
    return Reading(part, 0.0, Memory(own + 1_000_000, own, own + 2_000_000))


def _samples() -> list[Sample]:
    samples = []
    for at_s in range(100, 111):
        readings = {SECOND: _reading("ingest", at_s - 100), FIRST: _reading("ingest", 50)}
        if at_s < 103:
            readings[GONE] = _reading("sinks", 5)
        if at_s > 106:
            readings[LATER] = _reading("sinks", 6)
        samples.append(Sample(float(at_s), 0.0, readings))
    return samples


def test_every_process_has_its_course_and_the_oldest_of_a_part_comes_first() -> None:
    found = courses(_samples(), began_s=101.0, ended_s=109.0)
    assert [(course.name, course.pid, course.at_s[0], course.at_s[-1]) for course in found] == [
        ("ingest", 7, 0.0, 8.0),
        ("ingest 2", 8, 0.0, 8.0),
        ("sinks", 9, 0.0, 1.0),
        ("sinks 2", 7, 6.0, 8.0),
    ]
    growing = found[1]
    assert growing.anonymous.tolist() == [mb * 1e6 for mb in range(1, 10)]
    assert (growing.resident - growing.anonymous == 1e6).all()
    assert growing.peak_bytes == 11_000_000


def test_only_what_was_there_all_the_time_has_a_trend() -> None:
    found = courses(_samples(), began_s=100.0, ended_s=110.0)
    stayed = lasting(found, from_s=2.0, until_s=10.0)
    assert [course.name for course in stayed] == ["ingest", "ingest 2"]
    grown = growth(stayed[1], 2.0)
    assert grown.course.anonymous[0] == 2e6
    assert grown.whole.per_hour == grown.half.per_hour == pytest.approx(1e6 * HOUR_S)
    assert grown.flat is None
    assert lasting(found, from_s=9.0, until_s=10.0) == []


def _grown(level: float, per_hour: float, seconds: float = JUDGED_S) -> bool | None:
    at_s = np.linspace(0.0, seconds, 60)
    values = level + per_hour * (at_s - seconds / 2) / HOUR_S
    return growth(Course("streams", 1, at_s, values, values, 0), 0.0).flat


@given(st.floats(1e6, 4e9), st.floats(0.0, 0.99))
def test_flat_is_less_than_a_share_of_the_level_or_a_little(level: float, share: float) -> None:
    allowed = max(FLAT_SHARE * level, FLAT_BYTES)
    assert _grown(level, share * allowed)
    assert _grown(level, -10 * allowed)
    assert _grown(level, (2.02 - share) * allowed) is False
    assert _grown(level, share * allowed, JUDGED_S - 1.0) is None
