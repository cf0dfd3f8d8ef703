"""A report says what is flat, what isn't, what is too short to say, and by how much freshness got worse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loadtest.accounting import OTHERS, Usage
from loadtest.endurance.memory import Course
from loadtest.endurance.outcome import Outcome, Reread
from loadtest.endurance.plan import Plan
from loadtest.endurance.report import BEGIN, END, lines, write_section
from loadtest.freshness import Freshness
from loadtest.ledger import Verdict

AT_S = np.arange(0.0, 3_601.0, 5.0)


def _course(name: str, megabytes: float, per_hour: float) -> Course:
    own = (megabytes + per_hour * AT_S / 3_600) * 1e6
    return Course(name, 1, AT_S, own + 10e6, own, int(own[-1] + 20e6))


VERDICT = Verdict(18_000_000, 2_250_000, 0, 225_000, 2_025_000, 1_800_000, 0, {"missing_spans": 0}, {})
OUTCOME = Outcome(
    plan=Plan(3_600.0, 5_000.0, None, 12, 100, 1, (1, 4)),
    machine={"cores": 2},
    spans=18_000_000,
    seconds=3_601.0,
    retries=3,
    not_acknowledged=0,
    quiet_after_s=36.0,
    courses=[_course("kafka", 200, 1), _course("streams", 400, 60), _course("generator", 60, 50)],
    windows=[Freshness(600, 0, 2_600.0, 3_000.0)] + [Freshness(600, 1, 2_700.0, 3_400.0)] * 5,
    usage={"streams": Usage(270.0, 1, 1), OTHERS: Usage(36.0, 0, 0)},
    topic_bytes={"otlp": 3_400_000_000, "control": 100},
    log_is_whole=True,
    verdict=VERDICT,
    reread=Reread(0, "all runs wrote the same rows", 700.0),
)


def _rows(outcome: Outcome) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines(outcome) if line.startswith("|")]
    return {row[0]: row[1:] for row in cells}


def test_a_process_is_told_with_its_level_growth_and_whether_it_is_flat() -> None:
    told = [line for line in lines(OUTCOME) if line.startswith(("| kafka", "| streams", "| generator"))]
    assert told[:3] == [
        "| kafka | 210 | 211 | 221 | 200 | 201 | +1.0 | +1.0 | 0.0 | yes |",
        "| streams | 420 | 470 | 480 | 410 | 460 | +60.0 | +60.0 | 0.0 | NO |",
        "| generator | 78.3 | 120 | 130 | 68.3 | 110 | +50.0 | +50.0 | 0.0 | - |",
    ]
    assert told[3:] == ["| streams | 15.0 | 7.5 |"]
    assert _rows(OUTCOME)["process"][0] == "resident, MB, after 10 min"


def test_freshness_is_told_against_the_first_window() -> None:
    rows = _rows(OUTCOME)
    assert rows["0 to 10"] == ["600", "0", "2,600", "3,000", ""]
    assert rows["50 to 60"] == ["600", "1", "2,700", "3,400", "+400"]
    worse = replace(OUTCOME, windows=[*OUTCOME.windows[:5], Freshness(600, 0, 2_700.0, 4_001.0)])
    assert _rows(worse)["50 to 60"][-1] == "+1,001 NO"
    assert worse.later_ms == 1_001.0


@pytest.mark.parametrize(
    ("outcome", "holds"),
    [
        (OUTCOME, True),
        (replace(OUTCOME, reread=None), True),
        (replace(OUTCOME, verdict=None), False),
        (replace(OUTCOME, quiet_after_s=None), False),
        (replace(OUTCOME, verdict=replace(VERDICT, faults={"missing_spans": 1})), False),
        (replace(OUTCOME, reread=Reread(1, "", 1.0)), False),
        (replace(OUTCOME, reread=Reread(2, "", 1.0)), False),
    ],
)
def test_a_run_holds_if_nothing_was_lost_and_nothing_decided_otherwise(outcome: Outcome, holds: bool) -> None:
    assert outcome.holds is holds


def test_what_is_wrong_is_in_the_words() -> None:
    said = "\n".join(lines(OUTCOME))
    assert "18,000,000 spans in 3,601 s (4,999/s)" in said
    assert "1.0% of them late, 1.0% of the traces without a root; 3 requests sent again, 0 never acknowledged" in said
    assert "lost 0, twice 0" in said
    assert "otlp 3.40; otlp whole" in said
    assert "with 1 and with 4 workers, in 700 s: the same rows" in said
    bad = replace(
        OUTCOME,
        log_is_whole=False,
        quiet_after_s=None,
        verdict=replace(VERDICT, faults={"missing_spans": 7}),
        reread=Reread(1, "", 1.0),
    )
    said = "\n".join(lines(bad))
    assert "missing_spans 7" in said
    assert "NOT WHOLE" in said
    assert "NOT all was decided and stored" in said
    assert "rows that DIFFER" in said


def test_a_process_that_was_not_there_all_the_time_is_named() -> None:
    gone = _course("sinks", 90, 0)
    gone = replace(gone, at_s=AT_S[:9], resident=gone.resident[:9], anonymous=gone.anonymous[:9])
    outcome = replace(OUTCOME, courses=[*OUTCOME.courses, gone])
    assert "Not there all the time since: sinks." in lines(outcome)
    assert "No process began or ended since." in lines(OUTCOME)


def test_a_section_replaces_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{BEGIN}\n\nNone yet.\n\n{END}\n\nThe end.\n")
    for _ in range(2):
        write_section(page, OUTCOME)
    text = page.read_text()
    assert text.startswith(f"# Title\n\n{BEGIN}\n\n- 18,000,000 spans")
    assert text.endswith(f"|\n\n{END}\n\nThe end.\n")
    assert text.count("| streams | 420 ") == 1


def test_everything_is_in_the_file() -> None:
    told = json.loads(json.dumps(OUTCOME.as_json()))
    assert told["p99_later_ms"] == 400.0
    assert [each["flat"] for each in told["growth"]] == [True, False, False]
    assert told["courses"][0]["at_s"][-1] == 3_600.0
    assert told["parts"]["streams"]["cpu_s_per_million_spans"] == 15.0
