"""How does an operator try rules on what came before? A report of both, side by side; nothing is written."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from cli.moments import moment_ms
from cli.options import ConfigOption, load
from cli.reaching import reaching
from cli.rules import read_rules_file
from tracemill.config import ConfigError
from tracemill.visible import one_line

if TYPE_CHECKING:
    from streams.replay.comparison import Comparison, Line, Lost

_NS_PER_MS: Final = 1_000_000
_NAME_LETTERS: Final = 40
_MEGABYTE: Final = 1e6

RulesOption = Annotated[Path, typer.Option("--rules", help="A YAML file of rules, such as rules.example.yaml.")]
From = Annotated[str, typer.Option("--from", help="How long ago (15m, 1h, 7d), or a time.")]
To = Annotated[str, typer.Option("--to", help="How long ago, or a time.")]
Most = Annotated[int, typer.Option("--lost", min=0, max=100_000, help="Name so many traces that would be lost.")]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


def replay(
    rules: RulesOption,
    from_: From = "1h",
    to: To = "now",
    most: Most = 20,
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Show what other rules would have kept, next to what was kept. Reads the log, and writes nothing."""
    rule_set, loaded, now_ms = read_rules_file(rules), load(config), time.time_ns() // _NS_PER_MS
    from_ms, to_ms = (moment_ms(name, text, now_ms) for name, text in (("--from", from_), ("--to", to)))
    if from_ms >= to_ms:
        raise ConfigError(f"--from {from_} isn't before --to {to}: nothing came in between")
    from streams.replay.run import replay as run

    with reaching(loaded.kafka):
        comparison = run(loaded, rule_set, from_ms, to_ms, most, lambda text: typer.echo(text, err=True))
    if as_json:
        typer.echo(json.dumps(comparison.document(), ensure_ascii=False))
    else:
        _print(comparison)


def _print(comparison: Comparison) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 1_000
    for name in ("total", "rule", "tenant", "service"):
        console.print(_table(name, comparison.lines[name]))
    lost, gained = comparison.lost, comparison.gained
    console.print(f"{lost.traces} traces that were kept would be dropped, {gained.traces} dropped ones would be kept.")
    if comparison.undecided:
        console.print(f"{comparison.undecided} traces aren't compared: decisions.v1 doesn't say what was decided.")
    if comparison.worst:
        console.print(_lost(comparison.worst))


def _table(name: str, lines: Mapping[str, Line]) -> Table:
    table = Table(title=None, box=None, header_style="bold")
    table.add_column("" if name == "total" else name)
    for head in ("traces", "kept", "would keep", "MB kept", "would keep MB", "USD in kept", "would keep USD"):
        table.add_column(head, justify="right")
    for key, line in sorted(lines.items(), key=lambda item: (-item[1].came.traces, item[0])):
        kept, would = line.kept, line.would_keep
        table.add_row(
            one_line(key, _NAME_LETTERS) if key else ("all" if name == "total" else "(none)"),
            *(f"{count:,}" for count in (line.came.traces, kept.traces, would.traces)),
            *(f"{size / _MEGABYTE:,.1f}" for size in (kept.bytes, would.bytes)),
            *(f"{cost:,.2f}" for cost in (kept.cost_usd, would.cost_usd)),
        )
    return table


def _lost(worst: list[Lost]) -> Table:
    table = Table(box=None, header_style="bold")
    for head in ("would be lost", "service", "root", "errors", "s", "USD", "kept by", "dropped by"):
        table.add_column(head)
    for lost in worst:
        told = lost.told
        row: tuple[Any, ...] = (
            told.trace_id, one_line(told.service, _NAME_LETTERS), one_line(told.root_name, _NAME_LETTERS),
            str(told.errors), f"{told.duration_ms / 1000:.2f}", f"{told.cost_usd:.4f}", lost.kept_by,
            told.decision.policy,
        )  # fmt: skip
        table.add_row(*row)
    return table
