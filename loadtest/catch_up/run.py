"""How does such a run go? A load that never stops, workers that go down and come back, quiet, and the ledger."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from loadtest import machine
from loadtest.accounting import TICKS_PER_S, Accountant, Process
from loadtest.catch_up.outcome import Outcome, spent
from loadtest.catch_up.phases import caught_up, phases, stored, usual
from loadtest.catch_up.plan import Plan
from loadtest.catch_up.sightings import Sighting, Watch
from loadtest.chaos.away import kept_away
from loadtest.chaos.processes import find
from loadtest.check import check
from loadtest.claims import write_claims
from loadtest.commands import CommandFailed
from loadtest.freshness import LOADED, Probe, lone_traces
from loadtest.load import Load, Sent, loading
from loadtest.progress import Progress, still_s
from loadtest.scenario import TENANT, eyes
from loadtest.senders import connector
from loadtest.stack import Stack, part_of, running

HARNESS: Final = "harness"
STREAMS: Final = "streams"
LOOK_S: Final = 0.2
TOLD_EVERY_S: Final = 30.0
QUIET_S: Final = 900.0
"""Until then after the load everything has to be decided and stored."""
LEAVE_OUT_S: Final = 5.0
"""A lone trace that was sent so shortly before the workers went down may not have been decided."""

Say = Callable[[str], None]


class NotCaughtUpError(CommandFailed):
    """Somebody is still behind; the text says what was seen last."""


class Moments(NamedTuple):
    """Of the monotonic clock: when the load began, when the workers went down, might come back, and began, when all was
    caught up, in the store too, and when the load ended."""

    began_s: float
    down_s: float
    back_s: float
    worker_s: float
    ready_s: float
    ended_s: float


def carry_out(plan: Plan, port_offset: int, directory: Path, say: Say) -> Outcome:
    """Run a plan in a directory that is there.

    Raises:
        CommandFailed: it could not be done.
    """
    say(f"starting a stack in {directory}")
    with running(directory, port_offset, plan.rules, plan.load.retained_bytes) as stack:
        return _Gap(plan, stack, directory, say).run()


class _Gap:
    """A run on its way."""

    def __init__(self, plan: Plan, stack: Stack, directory: Path, say: Say) -> None:
        self._plan = plan
        self._stack = stack
        self._directory = directory
        self._say = say
        self._told_s = time.monotonic()
        self._notes: list[str] = []
        self._watch = Watch(stack.config)
        self._accountant = Accountant({HARNESS: os.getpid()}, part_of)
        # More than are ever sent: they are stopped with the load.
        traces = lone_traces(plan.seed, round(plan.load.seconds))
        self._probe = Probe(traces, connector(stack.endpoints["http"], "http"), eyes(stack.config), LOADED)

    def run(self) -> Outcome:
        """All of it."""
        facts = machine.describe()
        sent, at = self._send()
        self._probe.join()
        self._say("waiting until all is decided and stored")
        still = still_s(self._stack.config.assembly)
        quiet_s = Progress(self._stack.config).wait_until_quiet(still, QUIET_S)
        claims = [*sent.claims, self._probe.claim(TENANT)]
        write_claims(self._directory / "sent.jsonl", claims)
        self._say("drawing up the ledger")
        found = phases(self._watch.sightings, at.down_s, at.back_s, at.worker_s)
        return Outcome(
            plan=self._plan,
            machine=facts,
            kept_away="; ".join(self._notes),
            phases=found,
            spent=spent(self._accountant.samples, found.reads_s, found.caught_up_s),
            before=self._probe.between(at.began_s, at.down_s - LEAVE_OUT_S),
            after=self._probe.between(at.ready_s, at.ended_s),
            spans=sent.total("spans"),
            retries=sent.total("retries"),
            not_acknowledged=sent.total("not_acknowledged"),
            quiet_after_s=quiet_s - at.ended_s,
            verdict=check(claims, self._stack.config.kafka, self._stack.config.store)[TENANT],
        )

    def _send(self) -> tuple[Sent, Moments]:
        """What was sent, and what happened meanwhile."""
        load, endpoints = self._plan.load, self._stack.endpoints
        options = load.options(len(endpoints))
        with loading(endpoints, load.seed, load.seconds, load.rate, options, self._directory) as generators:
            with self._watched():
                at = self._meanwhile(generators)
            generators.stop()
            return generators.finished(), at

    @contextmanager
    def _watched(self) -> Iterator[None]:
        self._accountant.start()
        self._watch.start()
        self._probe.start()
        try:
            yield
        finally:
            self._probe.stop()
            self._watch.stop()
            self._accountant.stop()

    def _meanwhile(self, load: Load) -> Moments:
        began_s = time.monotonic()
        self._pass(load, self._plan.before_s)
        down_s = time.monotonic()
        self._say(f"streams goes down, for {self._plan.down_s:.0f} s")
        with kept_away(STREAMS, self._notes.append):
            self._pass(load, self._plan.down_s)
            back_s = time.monotonic()
        self._say("streams may come back")
        while not (began := find(STREAMS)):
            self._look(load)
        limit_s = back_s + self._plan.limit_s
        before = usual(self._watch.sightings, down_s, back_s)
        caught_up_s = self._until(load, lambda seen: caught_up(seen, back_s, before), limit_s)
        self._say(f"caught up after {caught_up_s - back_s:.1f} s")
        ready_s = self._until(load, lambda seen: stored(seen, caught_up_s), limit_s)
        self._say(f"in the store too after {ready_s - back_s:.1f} s")
        self._pass(load, self._plan.after_s)
        return Moments(began_s, down_s, back_s, _began_s(began[0]), ready_s, time.monotonic())

    def _pass(self, load: Load, seconds: float) -> None:
        """Let so much time go by."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._look(load)

    def _until(self, load: Load, seen: Callable[[Sequence[Sighting]], Sighting | None], limit_s: float) -> float:
        """When something was seen.

        Raises:
            NotCaughtUpError: it wasn't, until the limit.
        """
        while (found := seen(self._watch.sightings)) is None:
            self._look(load)
            if time.monotonic() > limit_s:
                raise NotCaughtUpError(f"not caught up in time: {self._watch.sightings[-1]}")
        return found.at_s

    def _look(self, load: Load) -> None:
        load.check()
        time.sleep(LOOK_S)
        if time.monotonic() > self._told_s + TOLD_EVERY_S and self._watch.sightings:
            self._told_s = time.monotonic()
            self._say(_told(self._watch.sightings[-1]))


def _told(seen: Sighting) -> str:
    lag = "an unknown time" if seen.lag_s is None else f"{seen.lag_s:.1f} s"
    return f"{seen.accepted:,} spans accepted, {seen.streams.spans:,} decided; streams {lag} behind"


def _began_s(process: Process) -> float:
    """When a process began, on the monotonic clock."""
    asleep_s = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return process.started / TICKS_PER_S - asleep_s
