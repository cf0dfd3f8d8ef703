"""A report says how large the backlog was, how fast it went, what it cost, and what is below the bound."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from loadtest.accounting import OTHERS, Memory, Reading, Sample, Usage
from loadtest.catch_up.outcome import Outcome, Spent, spent
from loadtest.catch_up.phases import Phases, Usual
from loadtest.catch_up.plan import Plan
from loadtest.catch_up.report import BEGIN, END, lines, write_section
from loadtest.catch_up.sightings import Counts
from loadtest.freshness import Freshness
from loadtest.ledger import Verdict

VERDICT = Verdict(4_000_000, 500_000, 0, 50_000, 450_000, 400_000, 0, {"missing_spans": 0}, {})
OUTCOME = Outcome(
    plan=Plan(60.0, 600.0, 60.0, 5_000.0, None, 1),
    machine={"cores": 2},
    kept_away="kept from coming back 41 times",
    phases=Phases(
        down_s=100.0,
        back_s=700.0,
        began_s=709.0,
        reads_s=713.5,
        caught_up_s=863.5,
        stored_s=864.0,
        before=Usual(0.1, 0.6, 20_000, Counts(closed=Counter(complete=99, idle=1))),
        backlog_back=3_020_000,
        backlog_reads=3_087_500,
        backlog_caught_up=30_000,
        accepted=750_000,
        decided=3_807_500,
        closed=Counter(complete=3, late=1, memory=0),
        restarts=0,
    ),
    spent=Spent(
        151.0, {OTHERS: Usage(30.2, 0, 0), "kafka": Usage(20.0, 1, 1), "streams": Usage(75.5, 1_500_000_000, 1)}
    ),
    before=Freshness(55, 0, 2_500.0, 3_100.0),
    after=Freshness(60, 1, 2_600.0, 3_300.0),
    spans=4_000_000,
    retries=2,
    not_acknowledged=0,
    quiet_after_s=36.0,
    verdict=VERDICT,
)


def _rows(outcome: Outcome) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines(outcome) if line.startswith("|")]
    return {row[0]: row[1:] for row in cells}


def test_the_course_is_told_in_seconds_since_workers_might_come_back() -> None:
    rows = _rows(OUTCOME)
    assert rows["undecided when streams might come back, spans"] == ["3,020,000"]
    assert rows["the process began after, s"] == ["9.0"]
    assert rows["it read its first record after, s"] == ["13.5"]
    assert rows["caught up after, s"] == ["164"]
    assert rows["the sinks too after, s"] == ["164"]
    assert rows["spans that came meanwhile, a second"] == ["5,000"]
    assert rows["decided meanwhile, spans/s (bound: 15,000)"] == ["25,383"]
    assert rows["the same since the process began"] == ["24,644"]


def test_what_is_below_the_bound_or_never_came_is_seen() -> None:
    slow = replace(OUTCOME, phases=replace(OUTCOME.phases, decided=2_249_000, stored_s=None))
    assert _rows(slow)["decided meanwhile, spans/s (bound: 15,000)"] == ["14,993 NO"]
    assert _rows(slow)["the sinks too after, s"] == ["-"]


def test_cpu_is_told_by_the_spans_that_were_decided_and_others_come_last() -> None:
    told = [line for line in lines(OUTCOME) if line.startswith(("| streams", "| kafka", "| others"))]
    assert told == [
        "| streams | 19.8 | 50.0 | 1,500 |",
        "| kafka | 5.3 | 13.2 | 0.0 |",
        "| others on the machine | 7.9 | 20.0 | - |",
    ]


def test_the_words_say_what_happened() -> None:
    said = "\n".join(lines(OUTCOME))
    assert "down for 600 s at 5,000 spans/s" in said
    assert "kept from coming back 41 times" in said
    assert "lost 0, twice 0" in said
    assert "before: complete 99.00%, idle 1.00%; while it caught up: complete 75.00%, late 25.00%" in said
    assert "| before | 55 | 0 | 2,500 | 3,100 |" in said


@pytest.mark.parametrize(
    ("verdict", "holds"), [(VERDICT, True), (None, False), (replace(VERDICT, faults={"missing_spans": 1}), False)]
)
def test_a_run_holds_if_its_ledger_is_clean(verdict: Verdict | None, holds: bool) -> None:
    assert replace(OUTCOME, verdict=verdict).holds is holds


def test_a_section_replaces_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{BEGIN}\n\nNone yet.\n\n{END}\n\nThe end.\n")
    for _ in range(2):
        write_section(page, OUTCOME)
    text = page.read_text()
    assert text.startswith(f"# Title\n\n{BEGIN}\n\n- streams down")
    assert text.endswith(f"|\n\n{END}\n\nThe end.\n")
    assert text.count("| streams |") == 1


def test_everything_is_in_the_file() -> None:
    told = json.loads(json.dumps(OUTCOME.as_json()))
    assert told["phases"]["spans_per_s"] == 25_383
    assert told["spent"]["parts"]["streams"]["cpu_s"] == 75.5
    assert told["ledger"]["clean"]
    assert told["plan"]["down_s"] == 600.0


def test_what_was_spent_is_counted_from_before_the_one_moment_to_after_the_other() -> None:
    memory = Memory(1, 1, 5)
    samples = [
        Sample(float(at_s), 2.0 * at_s, {(7, 1): Reading("streams", 1.0 * at_s, memory._replace(peak_bytes=at_s))})
        for at_s in range(10)
    ]
    found = spent(samples, 2.5, 6.5)
    assert found.seconds == 5.0
    assert found.usage["streams"] == Usage(5.0, 7, 1)
    assert found.usage[OTHERS].cpu_s == 5.0
