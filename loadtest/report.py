"""How is a benchmark told? A table for the terminal and the page docs/benchmarks.md."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final

from loadtest.accounting import OTHERS
from loadtest.freshness import Freshness
from loadtest.ledger import Verdict
from loadtest.results import Measurement, Scenario, Spread, by_scenario, spread

PARTS: Final = ("ingest", "streams", "sinks", "store", "kafka", "api", "supervisor", "generator", "bench")

Row = tuple[str, ...]


def table(measurements: Sequence[Measurement]) -> str:
    """All figures, one column a scenario; several runs as least/median/greatest."""
    grouped = by_scenario(measurements)
    rows: list[Row] = [("", *(scenario.name for scenario in grouped))]
    rows += [_row(name, figure, grouped) for name, figure in _figures(measurements)]
    rows.append(("ledger", *(_ledger(runs) for runs in grouped.values())))
    return _aligned(rows)


def page(measurements: Sequence[Measurement], idle: Freshness | None, quiet_ms: int, machine: dict[str, Any]) -> str:
    """docs/benchmarks.md."""
    grouped = by_scenario(measurements)
    header: Row = ("", *(scenario.name for scenario in grouped))
    rows = [_row(name, figure, grouped) for name, figure in _figures(measurements)]
    rows.append(("ledger", *(_ledger(runs) for runs in grouped.values())))
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "The last run of `make bench`, written by it. CPU-seconds are user and system time of all threads and",
            "children of a part, from `/proc`; per million spans they are microseconds a span. End to end is from the",
            "first request until the last record is in the store, with every part, Kafka, the store and the generator",
            "on this one machine. Several runs are given as least / median / greatest.",
            "",
            *(f"- {name.replace('_', ' ')}: {value}" for name, value in machine.items()),
            "",
            *markdown([header, *rows]),
            "",
            *_idle(idle, quiet_ms),
        ]
    )


def idle_line(idle: Freshness, quiet_ms: int) -> str:
    """How fresh lone traces are when nothing else goes on."""
    return (
        f"idle: {idle.traces} lone traces visible after p50 {idle.p50_ms:.0f} ms, p99 {idle.p99_ms:.0f} ms "
        f"({idle.p99_ms - quiet_ms:.0f} ms after the quiet period of {quiet_ms} ms); {idle.unseen} not seen"
    )


Figure = Callable[[Measurement], float | None]


def _figures(measurements: Sequence[Measurement]) -> list[tuple[str, Figure]]:
    parts = [part for part in PARTS if any(part in run.usage for run in measurements)]
    return [
        ("spans", lambda run: run.spans),
        ("bytes a span", lambda run: run.bytes / run.spans),
        ("spans/s end to end", lambda run: run.spans_per_s),
        ("MB/s end to end", lambda run: run.mb_per_s),
        ("kept traces, %", lambda run: None if run.kept_share is None else run.kept_share * 100),
        ("CPU taken by others, % of the machine", _others_share),
        *((f"{part}: CPU-s per million spans", _cpu_of(part)) for part in parts),
        *((f"{part}: peak memory, MB", _peak_of(part)) for part in parts),
        ("visible after, ms, p50", lambda run: run.freshness.p50_ms if run.freshness else None),
        ("visible after, ms, p99", lambda run: run.freshness.p99_ms if run.freshness else None),
    ]


def _others_share(run: Measurement) -> float | None:
    cores = os.cpu_count() or 1
    return run.usage[OTHERS].cpu_s / run.seconds / cores * 100 if OTHERS in run.usage else None


def _cpu_of(part: str) -> Figure:
    return lambda run: run.cpu_us_per_span(part) if part in run.usage else None


def _peak_of(part: str) -> Figure:
    return lambda run: run.usage[part].peak_bytes / 1e6 if part in run.usage else None


def _row(name: str, figure: Figure, grouped: dict[Scenario, list[Measurement]]) -> Row:
    return (name, *(_cell([value for run in runs if (value := figure(run)) is not None]) for runs in grouped.values()))


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    of_all: Spread = spread(values)
    if len(values) == 1:
        return number(of_all.median)
    return " / ".join(map(number, of_all))


def number(value: float) -> str:
    """With one digit behind the point where it is below 100."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _ledger(runs: list[Measurement]) -> str:
    return ledger([run.verdict for run in runs if run.verdict is not None])


def ledger(told: Sequence[Verdict]) -> str:
    """What the ledger found, in a few words."""
    faults = {name: count for verdict in told for name, count in verdict.faults.items() if count}
    if faults:
        return ", ".join(f"{name} {count}" for name, count in faults.items())
    return "lost 0, twice 0" if told else "-"


def _aligned(rows: Sequence[Row]) -> str:
    first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *cells in rows:
        padded = [cell.rjust(width) for cell, width in zip(cells, others, strict=True)]
        lines.append("  ".join([name.ljust(first), *padded]))
    return "\n".join(lines)


def markdown(rows: Sequence[Row]) -> list[str]:
    """The lines of a table; the first row is its head, the first column stands left."""
    rule: Row = (":--", *("--:" for _ in rows[0][1:]))
    return ["| " + " | ".join(row) + " |" for row in (rows[0], rule, *rows[1:])]


def _idle(idle: Freshness | None, quiet_ms: int) -> list[str]:
    return [idle_line(idle, quiet_ms).capitalize() + ".", ""] if idle else []
