"""What does Tracemill cost on this machine? The command `make bench`.

python -m loadtest.bench --spans 1000000 --json bench.json --write-docs docs/benchmarks.md
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from loadtest import machine
from loadtest.commands import run
from loadtest.freshness import IDLE, Freshness
from loadtest.report import idle_line, page, table
from loadtest.results import Measurement, Scenario, only_named
from loadtest.scenario import idle_freshness, measure
from loadtest.stack import Stack, attached, running
from tracemill.config import Assembly

RULES: Final = {10: Path(__file__).with_name("rules-10-percent.yaml")}
"""What a stack keeps, in percent, by rules; without rules everything."""
FAT_SHARE: Final = 5
"""A fat load has so many times fewer spans, because each is nine times larger."""
IDLE_TRACES: Final = 50
QUIET_MS: Final = Assembly().quiet_period_ms
WARM_UP_SPANS: Final = 40_000
"""Of the scenario that follows: memory is grown, and Kafka's code compiled."""


def scenarios(spans: int, rate: float) -> list[Scenario]:
    """What `make bench` runs."""
    return [
        Scenario("lean", "http", 100, spans, rate),
        Scenario("lean", "grpc", 100, spans, rate),
        Scenario("fat", "http", 100, spans // FAT_SHARE, rate),
        Scenario("lean", "http", 10, spans, rate),
    ]


class Bench:
    """Runs scenarios and keeps what was found."""

    def __init__(self, seed: int, repeat: int) -> None:
        self._seed = seed
        self._repeat = repeat
        self.measurements: list[Measurement] = []
        self.idle: Freshness | None = None

    def run(self, stack: Stack, wanted: list[Scenario]) -> None:
        """Measure each scenario on a running stack, after a load that isn't counted."""
        self.say("warming up")
        measure(stack, replace(wanted[0], spans=WARM_UP_SPANS, rate=0.0, only=""), self._fresh_seed())
        if self.idle is None and not wanted[0].only:
            self.say(f"{IDLE_TRACES} lone traces")
            self.idle, _ = idle_freshness(stack, self._fresh_seed(), IDLE_TRACES, IDLE)
        for scenario in wanted:
            for _ in range(self._repeat):
                self.say(f"{scenario.name}: {scenario.spans} spans")
                self.measurements.append(measure(stack, scenario, self._fresh_seed()))

    def _fresh_seed(self) -> int:
        self._seed += 1
        return self._seed

    def say(self, what: str) -> None:
        """Tell how far it is."""
        print(f"bench: {what}", flush=True)


def main(
    spans: Annotated[int, typer.Option(help="Of a lean load; a fat one has a fifth.")] = 1_000_000,
    repeat: Annotated[int, typer.Option(help="Runs of each scenario.")] = 1,
    rate: Annotated[float, typer.Option(help="Spans a second; 0: as fast as it goes.")] = 0.0,
    scenario: Annotated[str, typer.Option(help="Only those with this in their names, e.g. `grpc` or `10 %`.")] = "",
    only: Annotated[str, typer.Option(help="Measure ingest, streams or sinks alone, the parts behind it held.")] = "",
    seed: Annotated[int, typer.Option(help="Ids and content follow from it.")] = 7,
    port_offset: Annotated[int, typer.Option(help="Of the stack's ports.")] = 15_000,
    attach: Annotated[Path | None, typer.Option(help="Data directory of a running `tracemill up` to measure.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write all figures.")] = None,
    write_docs: Annotated[Path | None, typer.Option(help="Where to write the page of figures.")] = None,
) -> None:
    """Measure the pipeline on one machine; exits with 1 if the ledger finds anything, 2 if it could not be done."""
    facts = machine.describe()
    bench = Bench(seed, repeat)
    wanted = [replace(each, only=only_named(only)) for each in scenarios(spans, rate) if scenario in each.name]
    if attach:
        bench.run(attached(attach), [each for each in wanted if each.kept_percent == 100])
    else:
        run_on_own_stacks(bench, wanted, port_offset)
    print(table(bench.measurements))
    if bench.idle:
        print(idle_line(bench.idle, QUIET_MS))
    if json_file:
        json_file.write_text(json.dumps(_all_figures(bench, facts), indent=2) + "\n")
    if write_docs:
        write_docs.write_text(page(bench.measurements, bench.idle, QUIET_MS, facts))
    raise SystemExit(0 if all(run.verdict is None or run.verdict.clean for run in bench.measurements) else 1)


def run_on_own_stacks(bench: Bench, wanted: list[Scenario], port_offset: int) -> None:
    """A fresh stack for each scenario: what one leaves to be merged isn't the next one's work."""
    for scenario in wanted:
        with tempfile.TemporaryDirectory(prefix="tracemill-bench-") as directory:
            bench.say(f"starting a stack in {directory}")
            with running(Path(directory), port_offset, RULES.get(scenario.kept_percent)) as stack:
                bench.run(stack, [scenario])


def _all_figures(bench: Bench, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "machine": facts,
        "measurements": [run.as_json() for run in bench.measurements],
        "idle_freshness": asdict(bench.idle) if bench.idle else None,
    }


if __name__ == "__main__":
    run(main)
