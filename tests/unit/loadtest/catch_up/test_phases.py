"""A made-up outage is measured as it was made, and nobody is caught up who has only read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.catch_up.phases import CAUGHT_UP_S, Usual, caught_up, phases, stored, usual
from loadtest.catch_up.sightings import Counts, Sighting

RATE = 5_000
OPEN = 4 * RATE
"""Spans that are always undecided."""
DOWN_S, BACK_S, BEGAN_S, READS_S = 60.0, 660.0, 668.0, 672.0


OVERDUE_S = 0.6
"""Of a trace when it is decided, usually."""


def _counts(records: int, spans: float, overdue_s: float, processes: int = 1) -> Counts:
    traces = int(spans) // 8
    return Counts(records, int(spans), Counter(complete=traces), traces, overdue_s, processes)


def _outage(fast: float, fresh_sinks_s: float = 5.0) -> list[Sighting]:
    """Seen twice a second: workers that decide so many spans a second when they come back."""
    seen, counts = list[Sighting](), Counts()
    for half_s in range(10, 2 * 1_600):
        at_s, lag_s = half_s / 2, None
        accepted = int(RATE * at_s)
        if at_s < DOWN_S:
            spans, lag_s = max(accepted - OPEN, 0), 0.1
            counts = _counts(half_s, spans, spans // 8 * OVERDUE_S)
        elif READS_S >= at_s > BEGAN_S:
            counts = replace(counts, processes=2)
        elif at_s > READS_S:
            spans = min(counts.spans + int(fast / 2), accepted - OPEN)
            behind_s = (accepted - OPEN - spans) / RATE
            overdue_s = counts.overdue_s + (spans // 8 - counts.decisions) * (OVERDUE_S + behind_s)
            counts, lag_s = _counts(half_s, spans, overdue_s, 2), 0.1 + behind_s
        stored = lag_s is not None and lag_s < 1 and at_s > BACK_S + fresh_sinks_s
        seen.append(Sighting(at_s, accepted, counts, lag_s, 0.5 if stored else 30.0))
    return seen


@given(st.integers(10_000, 60_000))
def test_an_outage_is_measured_as_it_was(fast: int) -> None:
    found = phases(_outage(fast), DOWN_S, BACK_S, BEGAN_S)
    assert found.before.undecided == OPEN
    assert found.before.lag_s == 0.1
    assert found.before.overdue_s == pytest.approx(OVERDUE_S)
    assert (found.down_s, found.back_s, found.began_s, found.reads_s) == (DOWN_S, BACK_S, BEGAN_S, READS_S)
    assert found.backlog_back == pytest.approx(OPEN + RATE * (BACK_S - DOWN_S), abs=RATE)
    assert found.backlog_reads == pytest.approx(OPEN + RATE * (READS_S - DOWN_S), abs=RATE)
    assert found.backlog_caught_up <= OPEN + RATE * CAUGHT_UP_S
    assert found.spans_per_s == pytest.approx(fast, rel=0.02)
    # What was there and what came, less what may be left.
    needed_s = (RATE * (READS_S - DOWN_S) - RATE * CAUGHT_UP_S) / (fast - RATE)
    assert found.seconds == pytest.approx(needed_s, abs=1.5)
    assert found.accepted == pytest.approx(found.seconds * RATE, abs=1)
    assert found.spans_per_s_since_began == pytest.approx(found.decided / (found.seconds + READS_S - BEGAN_S), rel=1e-6)
    assert found.closed["complete"] == pytest.approx(found.decided // 8, abs=1)
    assert found.restarts == 0


def test_the_sinks_may_be_later() -> None:
    found = phases(_outage(20_000, fresh_sinks_s=400.0), DOWN_S, BACK_S, BEGAN_S)
    assert found.stored_s == BACK_S + 400.5
    assert found.stored_s > found.caught_up_s
    never = [each._replace(sinks_lag_s=None) for each in _outage(20_000)]
    assert phases(never, DOWN_S, BACK_S, BEGAN_S).stored_s is None


BEFORE = Usual(0.1, OVERDUE_S, OPEN, Counts(decisions=900, overdue_s=540.0))


def _sighting(lag_s: float | None, decisions: int, overdue_s: float, at_s: float = 700.0) -> Sighting:
    return Sighting(at_s, 0, Counts(decisions=decisions, overdue_s=overdue_s), lag_s, 0.0)


FIRST = _sighting(600.0, 1_000, 600_000.0)


@pytest.mark.parametrize(
    ("sighting", "is_it"),
    [
        (_sighting(0.5, 1_100, 600_100.0), True),
        (_sighting(2.05, 1_100, 600_255.0), True),
        (_sighting(2.15, 1_100, 600_100.0), False),
        (_sighting(0.5, 1_100, 600_265.0), False),
        (_sighting(0.5, 1_000, 600_000.0), False),
        (_sighting(None, 1_100, 600_100.0), False),
    ],
)
def test_caught_up_is_who_has_read_everything_and_decided_it(sighting: Sighting, is_it: bool) -> None:
    assert caught_up([FIRST, sighting], BACK_S, BEFORE) == (sighting if is_it else None)
    assert caught_up([FIRST, sighting], 700.1, BEFORE) is None


def test_what_was_decided_last_counts_until_something_else_is() -> None:
    decided, waiting = _sighting(2.5, 1_100, 600_100.0), _sighting(0.5, 1_100, 600_100.0)
    assert caught_up([FIRST, decided, waiting], BACK_S, BEFORE) is waiting


def test_what_workers_decided_while_they_stopped_counts_and_how_far_they_fell_behind_does_not() -> None:
    seen = [
        Sighting(10.0, 1_000, _counts(1, 200, 5.0), None, None),
        Sighting(11.0, 2_000, _counts(2, 1_496, 93.5), 0.2, None),
        Sighting(12.0, 9_000, _counts(3, 1_800, 200.0), 0.4, None),
        Sighting(13.0, 9_000, _counts(3, 1_800, 200.0), None, None),
    ]
    assert usual(seen, down_s=11.5, back_s=15.0) == Usual(0.2, 0.5, 652, _counts(3, 1_800, 200.0))
    with pytest.raises(ValueError, match="weren't seen"):
        usual(seen, down_s=10.5, back_s=15.0)


def test_sinks_are_caught_up_when_they_say_so() -> None:
    seen = [Sighting(float(at_s), 0, Counts(), None, lag_s) for at_s, lag_s in enumerate([0.1, 9.0, None, 2.0, 1.9])]
    assert stored(seen, 0.0) == seen[0]
    assert stored(seen, 0.5) == seen[4]
    assert stored(seen[:4], 0.5) is None


def test_who_is_not_caught_up_has_no_phases() -> None:
    behind = [each for each in _outage(20_000) if each.at_s < READS_S + 5]
    with pytest.raises(ValueError, match="aren't caught up"):
        phases(behind, DOWN_S, BACK_S, BEGAN_S)


def test_a_phase_has_its_figures_in_the_file() -> None:
    found = phases(_outage(20_000), DOWN_S, BACK_S, BEGAN_S)
    told = replace(found, stored_s=None).as_json()
    assert told["down_seconds"] == 600.0
    assert told["reads_after_s"] == 12.0
    assert told["stored_after_s"] is None
    assert told["spans_per_s"] == round(found.spans_per_s)


def test_a_worker_that_ends_while_it_catches_up_is_told() -> None:
    seen = _outage(20_000)
    ended = [
        each._replace(streams=replace(each.streams, processes=3)) if each.at_s > READS_S + 10 else each for each in seen
    ]
    assert phases(ended, DOWN_S, BACK_S, BEGAN_S).restarts == 1
