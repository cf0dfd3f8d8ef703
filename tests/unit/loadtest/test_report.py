"""Figures are computed from what was measured, and several runs are told as least, median and greatest."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from loadtest.accounting import Usage
from loadtest.freshness import Freshness
from loadtest.ledger import Verdict
from loadtest.report import idle_line, page, table
from loadtest.results import Measurement, Scenario, by_scenario, only_named, spread

LEAN = Scenario("lean", "http", 100, 1_000_000)
VERDICT = Verdict(1_000_000, 125_000, 0, 12_500, 112_500, 100_000, 0, {"missing_spans": 0}, {})
RUN = Measurement(
    scenario=LEAN,
    spans=1_000_000,
    bytes=620_000_000,
    seconds=40.0,
    usage={"ingest": Usage(5.5, 90_000_000, 1), "streams": Usage(19.0, 400_000_000, 2)},
    sent={},
    freshness=Freshness(20, 0, 2_500.0, 3_100.0),
    verdict=VERDICT,
)


def test_figures_follow_from_what_was_measured() -> None:
    told = json.loads(json.dumps(RUN.as_json()))
    assert (told["spans_per_s"], told["mb_per_s"], told["kept_share"]) == (25_000, 15.5, 0.1)
    assert told["parts"]["ingest"]["cpu_s_per_million_spans"] == 5.5
    assert told["ledger"]["clean"] is True
    assert replace(RUN, spans=500_000).cpu_us_per_span("streams") == 38.0


def test_a_table_has_a_column_a_scenario_and_says_what_is_wrong() -> None:
    wrong = replace(VERDICT, faults={"missing_spans": 3, "duplicate_rows": 0})
    other = replace(RUN, scenario=replace(LEAN, protocol="grpc"), usage={"ingest": Usage(7.0, 1, 1)}, verdict=wrong)
    lines = {line.partition("  ")[0]: line.split("  ") for line in table([RUN, other]).splitlines()}
    cells = {name: [cell.strip() for cell in line if cell.strip()][1:] for name, line in lines.items()}
    assert cells["ingest: CPU-s per million spans"] == ["5.5", "7.0"]
    assert cells["streams: CPU-s per million spans"] == ["19.0", "-"]
    assert cells["spans/s end to end"] == ["25,000", "25,000"]
    assert cells["ledger"] == ["lost 0, twice 0", "missing_spans 3"]


def test_several_runs_are_least_median_and_greatest() -> None:
    runs = [replace(RUN, seconds=seconds) for seconds in (50.0, 40.0, 20.0)]
    assert list(by_scenario(runs)) == [LEAN]
    assert "20,000 / 25,000 / 50,000" in table(runs)


def test_only_parts_that_can_be_held_apart_are_measured_alone() -> None:
    assert replace(LEAN, only=only_named("sinks")).name == "lean, http, 100 % kept (sinks alone)"
    with pytest.raises(ValueError, match="'kafka'"):
        only_named("kafka")


@pytest.mark.parametrize("values", [[3.0], [1.0, 2.0], [5.0, 1.0, 2.0, 9.0]])
def test_a_spread_holds_the_median_between_the_ends(values: list[float]) -> None:
    low, median, high = spread(values)
    assert low == min(values) <= median <= max(values) == high


def test_the_page_holds_the_machine_every_figure_and_the_idle_freshness() -> None:
    text = page([RUN], Freshness(50, 0, 2_200.0, 2_400.0), 2_000, {"cpu": "A CPU", "memory_gib": 7.5})
    assert "- cpu: A CPU\n- memory gib: 7.5\n" in text
    assert "| spans/s end to end | 25,000 |" in text
    assert "400 ms after the quiet period of 2000 ms" in text
    assert idle_line(Freshness(50, 2, 1.0, 2.0), 0).endswith("2 not seen")
