"""Does it stay as it is under load? An hour at a steady rate; memory, freshness, a ledger, and the log read again.

python -m loadtest.endurance --seconds 3600 --rate 5000 --reread 1 --reread 4
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
from loadtest.commands import CommandFailed, run
from loadtest.endurance.outcome import Outcome
from loadtest.endurance.plan import Plan
from loadtest.endurance.report import lines, write_section
from loadtest.endurance.run import carry_out
from loadtest.remains import Remains


def main(
    seconds: Annotated[float, typer.Option(min=12, help="How long the load is.")] = 3_600.0,
    rate: Annotated[float, typer.Option(min=100, help="Spans a second.")] = 5_000.0,
    kept: Annotated[int, typer.Option(help="Percent of the traces: 10, by rules of every kind, or 100.")] = 10,
    late_every: Annotated[int, typer.Option(help="One trace in so many has a late span, one of eight; 0: none.")] = 12,
    rootless_every: Annotated[int, typer.Option(help="One trace in so many has no root; 0: none.")] = 100,
    reread: Annotated[list[int] | None, typer.Option(min=1, help="Workers; twice or more: read the log again.")] = None,
    seed: Annotated[int, typer.Option(help="Ids and content follow from it.")] = 1,
    keep_dir: Annotated[Path | None, typer.Option(help="Where all is kept, for `tracemill up` to go on with.")] = None,
    port_offset: Annotated[int, typer.Option(help="Of the stack's ports.")] = 17_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write everything.")] = None,
    write_docs: Annotated[Path | None, typer.Option(help="The page that gets this run's section.")] = None,
) -> None:
    """Load a stack of its own; exits with 1 if the ledger or a reading finds anything, 2 if it could not be done."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if kept not in (100, *RULES):
        raise ValueError(f"--kept {kept}: expected 10 or 100")
    if reread and len(reread) < 2:
        raise ValueError("--reread: give it at least twice, e.g. --reread 1 --reread 4")
    plan = Plan(seconds, rate, RULES.get(kept), late_every, rootless_every, seed, tuple(reread or ()))
    with Remains(_directory(keep_dir), _say) as remains:
        outcome = carry_out(plan, port_offset, remains.directory, _say, lambda known: _note(json_file, known))
        remains.wanted = bool(keep_dir) or not outcome.holds
    print("", *lines(outcome), sep="\n")
    if outcome.reread:
        print("", outcome.reread.said, sep="\n")
    if write_docs:
        write_section(write_docs, outcome)
    print(f"\n{'nothing was lost or counted twice' if outcome.holds else 'something is WRONG'}")
    raise SystemExit(0 if outcome.holds else 1)


def _directory(wanted: Path | None) -> Path:
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="tracemill-endurance-"))
    if wanted.exists() and any(wanted.iterdir()):
        raise CommandFailed(f"--keep-dir {wanted}: isn't empty")
    wanted.mkdir(parents=True, exist_ok=True)
    return wanted.absolute()


def _note(file: Path | None, outcome: Outcome) -> None:
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(outcome.as_json(), indent=2) + "\n")


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(main)
