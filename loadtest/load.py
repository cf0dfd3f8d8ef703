"""What is sent meanwhile? Two generators at a steady rate, one over HTTP and one over gRPC, each with its ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtest.claims import Claim, read_claims
from loadtest.commands import CommandFailed

FINISH_S: Final = 300.0
"""Requests that nobody takes are given up after two minutes; then a generator ends."""


class LoadError(CommandFailed):
    """A generator failed; the text holds what it said."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent: the claims of all generators, and what each of them says of itself."""

    claims: list[Claim]
    summaries: list[Mapping[str, Any]]

    def total(self, name: str) -> int:
        """The sum of a figure over all generators."""
        return sum(int(summary[name]) for summary in self.summaries)


@dataclass(slots=True)
class Load:
    """Generators that run; `finished` waits for them."""

    processes: list[subprocess.Popen[str]]
    ledgers: list[Path]

    def finished(self) -> Sent:
        """Wait until all is sent and answered, or given up.

        Raises:
            LoadError: a generator didn't end, or left no ledger.
        """
        summaries = [self._summary(process) for process in self.processes]
        return Sent([claim for ledger in self.ledgers for claim in read_claims(ledger)], summaries)

    def stop(self) -> None:
        """Open no more traces; those that are open are sent to their ends."""
        for process in self.processes:
            process.terminate()

    def check(self) -> None:
        """Make sure that all generators run.

        Raises:
            LoadError: one has ended.
        """
        for process in self.processes:
            if process.poll() is not None:
                raise LoadError(f"a generator ended with {process.returncode} while it should send")

    def _summary(self, process: subprocess.Popen[str]) -> Mapping[str, Any]:
        try:
            said, _ = process.communicate(timeout=FINISH_S)
            return dict(json.loads(said))
        except (subprocess.TimeoutExpired, ValueError) as error:
            raise LoadError(f"a generator failed (exit code {process.returncode}): {error}") from error


@contextmanager
def loading(
    endpoints: Mapping[str, str], seed: int, seconds: float, rate: float, more: Mapping[str, Any], directory: Path
) -> Iterator[Load]:
    """Send `rate` spans a second in all for so many seconds; generators that still run at the end are killed.

    `more`: other options of `loadtest.generate`, for each generator. What they say is in `directory`.
    """
    processes, ledgers = [], []
    try:
        for number, (protocol, endpoint) in enumerate(endpoints.items()):
            ledgers.append(directory / f"sent-{protocol}.jsonl")
            options = {
                **more,
                "endpoint": endpoint,
                "protocol": protocol,
                "spans": 0,
                "seconds": seconds,
                "rate": rate / len(endpoints),
                "seed": 1_000 * seed + number,
                "ledger": ledgers[-1],
            }
            command = [
                sys.executable,
                "-m",
                "loadtest.generate",
                *(f"--{name}={value}" for name, value in options.items()),
            ]
            with (directory / f"generator-{protocol}.log").open("wb") as log:
                processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True))
        yield Load(processes, ledgers)
    finally:
        for process in processes:
            process.kill()
            process.wait()
