"""How fast is it caught up after the stream workers were down? A load that never stops, an outage, and a ledger.

python -m loadtest.catch_up --down-seconds 600 --rate 5000
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from loadtest.bench import RULES
from loadtest.catch_up.plan import Plan
from loadtest.catch_up.report import lines, write_section
from loadtest.catch_up.run import carry_out
from loadtest.commands import run
from loadtest.remains import Remains


def main(
    down_seconds: Annotated[float, typer.Option(min=1, help="How long no stream worker is there.")] = 600.0,
    rate: Annotated[float, typer.Option(min=100, help="Spans a second, all the time.")] = 5_000.0,
    kept: Annotated[int, typer.Option(help="Percent of the traces: 10, by rules of every kind, or 100.")] = 10,
    before_seconds: Annotated[float, typer.Option(min=10, help="Of load before that.")] = 60.0,
    after_seconds: Annotated[float, typer.Option(min=5, help="Of load once all is caught up.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Ids and content follow from it.")] = 1,
    port_offset: Annotated[int, typer.Option(help="Of the stack's ports.")] = 18_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write everything.")] = None,
    write_docs: Annotated[Path | None, typer.Option(help="The page that gets this run's section.")] = None,
) -> None:
    """Take streams away from a stack of its own; exits with 1 if a span is lost, 2 if it could not be done."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if kept not in (100, *RULES):
        raise ValueError(f"--kept {kept}: expected 10 or 100")
    plan = Plan(before_seconds, down_seconds, after_seconds, rate, RULES.get(kept), seed)
    with Remains(Path(tempfile.mkdtemp(prefix="tracemill-catch-up-")), _say) as remains:
        outcome = carry_out(plan, port_offset, remains.directory, _say)
        remains.wanted = not outcome.holds
    print("", *lines(outcome), sep="\n")
    if json_file:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(outcome.as_json(), indent=2) + "\n")
    if write_docs:
        write_section(write_docs, outcome)
    print(f"\n{'nothing was lost or counted twice' if outcome.holds else 'something is WRONG'}")
    raise SystemExit(0 if outcome.holds else 1)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(main)
