"""How does an operator fill an emptied store again from the log?"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.moments import moment_ms
from cli.options import ConfigOption, load
from cli.reaching import reaching
from cli.rebuild_words import Telling, preface, say, stopped, totals
from tracemill.config import Config, ConfigError

if TYPE_CHECKING:
    from sinks.rebuild_plan import Plan

OLDEST: Final = "oldest"
NOT_ALL: Final = 3
"""Exit code: the log no longer has all that was asked for."""
_MILLISECOND_NS: Final = 1_000_000

From = Annotated[
    str, typer.Option("--from", help="Since when: a time, how long ago (6h, 2d), or `oldest`: as far as the log goes.")
]
To = Annotated[str | None, typer.Option(help="Until when; default now.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read everything, store nothing, and say what there is.")]


def rebuild(from_: From, to: To = None, dry_run: DryRun = False, config: ConfigOption = None) -> None:
    """Fill the store again from the log; safe beside the sinks, and twice.

    Exit codes: 0, all that was asked for is there; 3, the log no longer has all of it; 130, stopped.
    """
    from sinks.rebuild_plan import plan

    loaded = load(config)
    now_ms = time.time_ns() // _MILLISECOND_NS
    asked_ms, until_ms = window(from_, to, now_ms)
    try:
        with reaching(loaded.kafka):
            planned = plan(loaded, asked_ms, until_ms, now_ms)
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    for line in preface(planned, loaded.sinks.retention_days):
        typer.echo(line)
    raise typer.Exit(_run(loaded, planned, dry_run))


def window(from_text: str, to_text: str | None, now_ms: int) -> tuple[int | None, int | None]:
    """Both ends in milliseconds since 1970; None for the oldest record, and for now.

    Raises:
        ConfigError: one of them is no time, or nothing lies between them.
    """
    from_ms = None if from_text == OLDEST else moment_ms("--from", from_text, now_ms)
    to_ms = now_ms if to_text is None else min(moment_ms("--to", to_text, now_ms), now_ms)
    if from_ms is not None and from_ms >= to_ms:
        raise ConfigError("--from isn't before --to, or not before now: nothing would be rebuilt")
    return from_ms, None if to_ms == now_ms else to_ms


def _run(config: Config, planned: Plan, dry: bool) -> int:
    """Read and store; the exit code."""
    from sinks.migrations import SchemaMismatch
    from sinks.rebuild import Rebuild

    # This command says itself what the sinks would log.
    logging.getLogger("sinks").setLevel(logging.CRITICAL + 1)
    began_s = time.monotonic()
    with _signals() as (stop, caught):
        work = Rebuild(config, planned.slices, Telling(time.monotonic), stop, dry)
        try:
            with reaching(config.kafka):
                done = work.run()
        except SchemaMismatch as error:
            raise ConfigError(f"{config.store.url}: {error}") from error
    if not done:
        say(stopped(work.progress, planned.from_ms))
        return 128 + caught[0]
    (typer.echo if dry else say)(totals(work.progress, time.monotonic() - began_s, dry))
    return NOT_ALL if planned.short or work.progress.lost else 0


@contextmanager
def _signals() -> Iterator[tuple[threading.Event, list[int]]]:
    """An event that SIGINT and SIGTERM set, and the numbers of those that came."""
    stop, caught = threading.Event(), list[int]()

    def end(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop, caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
