"""How does a run under load go? A stack of its own, a steady load, quiet, the ledger, and the log read again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from loadtest import machine
from loadtest.accounting import Accountant
from loadtest.check import check
from loadtest.claims import Claim, write_claims
from loadtest.endurance.disk import is_whole, topic_bytes
from loadtest.endurance.memory import courses
from loadtest.endurance.outcome import Outcome, Reread
from loadtest.endurance.plan import Plan
from loadtest.freshness import LOADED, Freshness, Probe, lone_traces
from loadtest.ledger import Verdict
from loadtest.load import Load, Sent, loading
from loadtest.progress import NotDoneError, Progress, still_s
from loadtest.scenario import TENANT, eyes
from loadtest.senders import connector
from loadtest.stack import Stack, part_of, running

HARNESS: Final = "harness"
NOTED_EVERY_S: Final = 5.0
FEWEST_NOTES: Final = 60
TOLD_EVERY_S: Final = 60.0
QUIET_S: Final = 900.0
"""Until then after the load everything has to be decided and stored."""

Say = Callable[[str], None]
Note = Callable[[Outcome], None]


def carry_out(plan: Plan, port_offset: int, directory: Path, say: Say, note: Note) -> Outcome:
    """Run a plan in a directory that is there; `note` gets the outcome as far as it is known, after each step.

    Raises:
        CommandFailed: it could not be done.
    """
    say(f"starting a stack in {directory}")
    with running(directory, port_offset, plan.rules, plan.retained_bytes) as stack:
        outcome, claims = _Endured(plan, stack, directory, say).run()
        note(outcome)
        say("drawing up the ledger")
        outcome = replace(outcome, verdict=_verdict(claims, stack))
        note(outcome)
        if plan.rereads:
            say(f"reading the log again with {' and '.join(map(str, plan.rereads))} workers")
            outcome = replace(outcome, reread=_reread(plan.rereads, stack, directory))
            note(outcome)
    return outcome


class _Endured:
    """The load on its way: what is sent, and what is watched meanwhile."""

    def __init__(self, plan: Plan, stack: Stack, directory: Path, say: Say) -> None:
        self._plan = plan
        self._stack = stack
        self._directory = directory
        self._say = say
        self._progress = Progress(stack.config)
        every_s = min(NOTED_EVERY_S, plan.seconds / FEWEST_NOTES)
        self._accountant = Accountant({HARNESS: os.getpid()}, part_of, every_s)
        send = connector(stack.endpoints["http"], "http")
        # More than are ever sent: they are stopped with the load.
        probes = lone_traces(plan.seed, 2 * round(plan.seconds / LOADED.gap_s) + 60)
        self._probe = Probe(probes, send, eyes(stack.config), LOADED)

    def run(self) -> tuple[Outcome, list[Claim]]:
        """Send everything, and wait until all is stored."""
        facts = machine.describe()
        sent, began_s, ended_s = self._send()
        self._probe.join()
        claims = [*sent.claims, self._probe.claim(TENANT)]
        write_claims(self._directory / "sent.jsonl", claims)
        quiet_s = self._quiet()
        usage = self._accountant.stop(quiet_s)
        outcome = Outcome(
            plan=self._plan,
            machine=facts,
            spans=sent.total("spans"),
            seconds=max(summary["seconds"] for summary in sent.summaries),
            retries=sent.total("retries"),
            not_acknowledged=sent.total("not_acknowledged"),
            quiet_after_s=None if quiet_s is None else quiet_s - ended_s,
            courses=courses(self._accountant.samples, began_s, ended_s),
            windows=self._windows(began_s),
            usage=usage,
            topic_bytes=topic_bytes(self._stack.config),
            log_is_whole=is_whole(self._stack.config),
        )
        return outcome, claims

    def _send(self) -> tuple[Sent, float, float]:
        """What was sent, and from when to when on the monotonic clock."""
        plan, endpoints = self._plan, self._stack.endpoints
        # Before generators begin, so that none has done its time when this one is over.
        began_s = time.monotonic()
        with loading(
            endpoints, plan.seed, plan.seconds, plan.rate, plan.options(len(endpoints)), self._directory
        ) as load:
            self._accountant.start()
            self._probe.start()
            try:
                self._watch(load, began_s)
            finally:
                self._probe.stop()
            ended_s = time.monotonic()
            return load.finished(), began_s, ended_s

    def _watch(self, load: Load, began_s: float) -> None:
        """Until the load is over, and tell now and then how far it is."""
        told_s = began_s
        while (now_s := time.monotonic()) < began_s + self._plan.seconds:
            load.check()
            if now_s - told_s > TOLD_EVERY_S:
                told_s = now_s
                now = self._progress.standing()
                self._say(
                    f"{(now_s - began_s) / 60:.0f} min: {now.traces:,} rows of traces, records not yet done: streams "
                    f"{now.streams_behind}, sinks {now.sinks_behind}"
                )
            time.sleep(min(1.0, max(began_s + self._plan.seconds - now_s, 0.0)))

    def _quiet(self) -> float | None:
        """When anything moved last, or None if it goes on for too long: what was measured until then still counts."""
        self._say("waiting until all is decided and stored")
        try:
            return self._progress.wait_until_quiet(still_s(self._stack.config.assembly), QUIET_S)
        except NotDoneError as error:
            self._say(str(error))
            return None

    def _windows(self, began_s: float) -> list[Freshness]:
        """Of the lone traces sent in each; those sent a little after the last one's end belong to it."""
        count = max(round(self._plan.seconds / self._plan.window_s), 1)
        bounds = [began_s + number * self._plan.window_s for number in range(count)]
        ends = [*bounds[1:], float("inf")]
        return [self._probe.between(*bound) for bound in zip([0.0, *bounds[1:]], ends, strict=True)]


def _verdict(claims: list[Claim], stack: Stack) -> Verdict:
    return check(claims, stack.config.kafka, stack.config.store)[TENANT]


def _reread(workers: Sequence[int], stack: Stack, directory: Path) -> Reread:
    """Run it as a command, whose memory is gone at its end."""
    began_s = time.monotonic()
    words = [word for count in workers for word in ("--workers", str(count))]
    config = stack.config.embedded.data_dir / "tracemill.yaml"
    with (directory / "reread.log").open("w") as log:
        done = subprocess.run(
            [sys.executable, "-m", "loadtest.reread", *words, "--config", str(config)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    said = done.stdout or (directory / "reread.log").read_text()[-2_000:]
    return Reread(done.returncode, said, time.monotonic() - began_s)
