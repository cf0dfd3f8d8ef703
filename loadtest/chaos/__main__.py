"""Does everything hold while everything fails? Runs a stack under load, strikes it by a plan, and checks every span.

python -m loadtest.chaos --seconds 120 --seed 1

The plan is drawn from the seed and printed; the same seed strikes the same things at the same times.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from loadtest.chaos.page import write_row
from loadtest.chaos.plan import draw
from loadtest.chaos.report import cells, lines
from loadtest.chaos.run import carry_out
from loadtest.commands import run


def main(
    seconds: Annotated[float, typer.Option(min=30, help="How long the storm is.")] = 120.0,
    seed: Annotated[int, typer.Option(help="The plan and the load follow from it.")] = 1,
    rate: Annotated[float, typer.Option(help="Spans a second.")] = 800.0,
    port_offset: Annotated[int, typer.Option(help="Of the stack's ports.")] = 16_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write everything.")] = None,
    write_docs: Annotated[Path | None, typer.Option(help="The page whose table gets this run's row.")] = None,
) -> None:
    """Strike a stack of its own; exits with 1 if the ledger finds anything, 2 if it could not be done."""
    # It would tell of every question that a store doesn't answer, and here that is wanted.
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
    plan = draw(seed, seconds)
    print(f"plan of seed {seed}, {seconds:.0f} s:", *plan, sep="\n", flush=True)
    outcome = carry_out(plan, seed, seconds, rate, port_offset, _say)
    print("", *lines(outcome), sep="\n")
    if json_file:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(outcome.as_json(), indent=2) + "\n")
    if write_docs:
        write_row(write_docs, cells(outcome))
    print(f"\n{'everything holds' if outcome.ledger.clean else 'the ledger found something WRONG'}")
    raise SystemExit(0 if outcome.ledger.clean else 1)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(main)
