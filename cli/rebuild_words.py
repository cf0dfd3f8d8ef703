"""What does a rebuild say: how far back it can go, how it goes, what came of it?"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import typer

from tracemill.visible import one_line

if TYPE_CHECKING:
    from runtime.dead_letters import Record
    from sinks.reach import Reach
    from sinks.rebuild_counts import Progress
    from sinks.rebuild_plan import Plan
    from sinks.slices import Loss
    from tracemill.errors import Refused

NAMED: Final = 100
"""So many losses and refusals are named, all others only counted."""
TEXT_LETTERS: Final = 200


def preface(plan: Plan, retention_days: int) -> Iterator[str]:
    """How far back each topic goes, what can't be rebuilt for that, and what will be read."""
    yield from (_reach(reach) for reach in plan.reaches)
    if plan.short:
        yield f"What is older than {_whole_from(plan)} can't be rebuilt: the log no longer has all of it"
    if plan.asked_ms is None or plan.asked_ms < plan.unexpired_ms:
        expired = f"What is older than {moment(plan.unexpired_ms)} has expired"
        yield f"{expired} (sinks.retention_days: {retention_days}) and is left out"
    yield f"{plan.records:,} records to read, written since {moment(plan.from_ms)}"


def _whole_from(plan: Plan) -> str:
    return "now" if any(reach.emptied for reach in plan.reaches) else moment(plan.whole_from_ms)


def _reach(reach: Reach) -> str:
    if reach.emptied:
        numbers = ", ".join(map(str, reach.emptied))
        return f"{reach.topic} holds nothing any longer of what was in partition {numbers}"
    if reach.whole_from_ms == 0:
        return f"{reach.topic} has every record that was ever written to it"
    return f"{reach.topic} reaches back to {moment(reach.whole_from_ms)}"


def totals(progress: Progress, took_s: float, dry: bool) -> str:
    """The last line."""
    read = f"{progress.records:,} records ({progress.bytes / 1e6:,.1f} MB)"
    line = f"{read} hold {_rows(progress)}" if dry else f"stored {_rows(progress)} from {read} in {took_s:,.1f} s"
    if progress.refused:
        line += f"; {progress.refused:,} records can't be read: the sinks set them aside, see `tracemill dead-letters`"
    if progress.lost:
        line += f"; {progress.lost:,} records can't be had from the log any longer"
    return line


def stopped(progress: Progress, from_ms: int) -> str:
    """How far it came, and how to go on."""
    until = moment(progress.through_ms(from_ms))
    return (
        f"stopped after {int(progress.share * 100)}%, {_rows(progress)}; all that was written before {until} is "
        f"stored: go on with --from {until}, or begin again, which does no harm"
    )


def _rows(progress: Progress) -> str:
    *first, last = (f"{count:,} {_NAMES[table]}" for table, count in progress.rows.items())
    return f"{', '.join(first)} and {last}" if first else last


_NAMES: Final = {"spans_in": "spans", "traces_in": "trace rows", "scores_in": "scores"}


def moment(time_ms: float) -> str:
    """A time in UTC to the millisecond, as `--from` takes it."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Telling:
    """Writes what happens to standard error, a line each; a `sinks.rebuild_counts.Teller`."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._named = 0
        self._rows, self._at_s = 0, clock_s()

    def waits(self, why: str) -> None:
        """The store or the broker is away."""
        say(f"{why}; it is tried again")

    def lost(self, loss: Loss) -> None:
        """The log no longer gives these records."""
        topic, partition = loss.key
        last = loss.first + loss.count - 1
        which = f"record {topic}/{partition}@{loss.first}" + (f" to @{last} are" if loss.count > 1 else " is")
        self._name(f"{which} {loss.why}")

    def refused(self, record: Record, why: Refused) -> None:
        """Nobody takes this record."""
        place = f"{record.topic}/{record.partition}@{record.offset}"
        self._name(f"record {place} is left out: {why.reason.value}: {one_line(str(why), TEXT_LETTERS)}")

    def goes_on(self, progress: Progress) -> None:
        """Rows so far, the share of the records, rows a second since the last time."""
        now_s, rows = self._clock_s(), sum(progress.rows.values())
        rate = (rows - self._rows) / max(now_s - self._at_s, 0.001)
        self._rows, self._at_s = rows, now_s
        say(f"{int(progress.share * 100):3}%  {rows:,} rows  {rate:,.0f} rows/s")

    def _name(self, text: str) -> None:
        with self._lock:
            self._named += 1
            if self._named <= NAMED:
                say(text)
            if self._named == NAMED:
                say("… and so on: from here on they are only counted")


def say(line: str) -> None:
    """A line to standard error, whole and at once."""
    typer.echo(line, file=sys.stderr)
