"""What does one scenario cost? A load sent into a running stack until all of it is stored, and everything counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from loadtest.accounting import Accountant, Usage
from loadtest.check import check
from loadtest.claims import Claim, read_claims
from loadtest.commands import CommandFailed
from loadtest.freshness import IDLE, LOADED, ApiEyes, Cadence, Eyes, Freshness, Probe, StoreEyes, lone_traces
from loadtest.progress import Progress
from loadtest.results import Measurement, Only, Scenario
from loadtest.senders import connector
from loadtest.stack import Stack, part_of
from tracemill.config import Config

TENANT: Final = "default"
CONNECTIONS: Final = 6
MOST_PROBES: Final = 3_600
"""More than are ever sent: they are stopped with the load."""
TIMEOUT_S: Final = 900.0


class BenchError(CommandFailed):
    """A benchmark couldn't be carried out; the text says why."""


def measure(stack: Stack, scenario: Scenario, seed: int) -> Measurement:
    """Send a scenario's load and count, for all parts until the last record is stored, or for one part alone.

    Raises:
        BenchError: the generator failed.
        NotDoneError: not all was stored in time.
    """
    return _WAYS[scenario.only](_Run(stack, scenario, seed))


def idle_freshness(stack: Stack, seed: int, traces: int, cadence: Cadence = IDLE) -> tuple[Freshness, Claim]:
    """Lone traces while nothing else goes on, and what was acknowledged of them."""
    probe = Probe(lone_traces(seed, traces), connector(stack.endpoints["http"], "http"), eyes(stack.config), cadence)
    probe.start()
    return probe.join(), probe.claim(TENANT)


def eyes(config: Config) -> Eyes:
    """Through the API where it answers, else into the store."""
    api = ApiEyes(config.api.host, config.api.port)
    if api.answers():
        return api
    api.close()
    return StoreEyes(config.store)


class _Run:
    """One scenario on its way: the stack, what is watched, what was sent."""

    def __init__(self, stack: Stack, scenario: Scenario, seed: int) -> None:
        self.stack = stack
        self.scenario = scenario
        self.seed = seed
        self.accountant = Accountant({"bench": os.getpid(), "supervisor": stack.pid}, part_of)
        self.claims: list[Claim] = []
        self.sent: dict[str, Any] = {}
        self._progress = Progress(stack.config)
        self._traces_before = self._progress.standing().traces

    def send(self) -> None:
        """Run the generator in a process of its own until all is acknowledged."""
        options = {
            "endpoint": self.stack.endpoints[self.scenario.protocol],
            "protocol": self.scenario.protocol,
            "connections": CONNECTIONS,
        }
        self._run("loadtest.generate", options)

    def fill(self) -> None:
        """Write the load to `otlp.v1` without an ingester."""
        kafka = self.stack.config.kafka
        options = {"bootstrap": kafka.bootstrap, "namespace": kafka.namespace, "partitions": kafka.partitions}
        self._run("loadtest.fill", options)

    def wait_until_decided(self) -> float:
        """When every trace sent was decided."""
        return self._progress.wait_until_decided(self._traces(), TIMEOUT_S)

    def wait_until_stored(self) -> float:
        """When every trace sent was stored."""
        return self._progress.wait_until_stored(self._traces(), TIMEOUT_S)

    def found(self, usage: dict[str, Usage], seconds: float, freshness: Freshness | None = None) -> Measurement:
        """What came out, the ledger's verdict included."""
        config = self.stack.config
        verdict = check(self.claims, config.kafka, config.store)[TENANT]
        return Measurement(
            self.scenario, self.sent["spans"], self.sent["bytes"], seconds, usage, self.sent, freshness, verdict
        )

    def _traces(self) -> int:
        return self._traces_before + sum(claim.workload.traces for claim in self.claims)

    def _run(self, module: str, options: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory(prefix="tracemill-bench-") as scratch:
            ledger = Path(scratch) / "claims.jsonl"
            options |= {
                "profile": self.scenario.profile,
                "spans": self.scenario.spans,
                "rate": self.scenario.rate,
                "seed": self.seed,
                "tenant": TENANT,
                "ledger": ledger,
            }
            command = [sys.executable, "-m", module, *(f"--{name}={value}" for name, value in options.items())]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                raise BenchError(f"{' '.join(command)} failed: {done.stdout.strip()}")
            self.sent = json.loads(done.stdout)
            self.claims += read_claims(ledger)


def _everything(run: _Run) -> Measurement:
    """Lone traces are sent beside the load, to see how fresh it is."""
    config, endpoint = run.stack.config, connector(run.stack.endpoints["http"], "http")
    probe = Probe(lone_traces(run.seed, MOST_PROBES), endpoint, eyes(config), LOADED)
    run.accountant.start()
    probe.start()
    run.send()
    probe.stop()
    freshness = probe.join()
    run.claims.append(probe.claim(TENANT))
    stored_s = run.wait_until_stored()
    return run.found(run.accountant.stop(stored_s), stored_s - run.sent["began_s"], freshness)


def _ingest_alone(run: _Run) -> Measurement:
    """Nothing reads the log meanwhile."""
    with run.stack.held(["streams", "sinks"]):
        run.accountant.start()
        run.send()
        usage = run.accountant.stop()
    run.wait_until_stored()
    return run.found(usage, run.sent["seconds"])


def _streams_alone(run: _Run) -> Measurement:
    """The log is filled without an ingester, faster than it is read; nothing reads what streams write."""
    with run.stack.held(["sinks"]):
        run.accountant.start()
        run.fill()
        decided_s = run.wait_until_decided()
        usage = run.accountant.stop(decided_s)
    run.wait_until_stored()
    return run.found(usage, decided_s - run.sent["began_s"])


def _sinks_alone(run: _Run) -> Measurement:
    """They are let loose when streams have written everything."""
    with run.stack.held(["sinks"]):
        run.send()
        run.wait_until_decided()
        run.accountant.start()
        began_s = time.monotonic()
    stored_s = run.wait_until_stored()
    return run.found(run.accountant.stop(stored_s), stored_s - began_s)


_WAYS: Final[dict[Only, Callable[[_Run], Measurement]]] = {
    "": _everything,
    "ingest": _ingest_alone,
    "streams": _streams_alone,
    "sinks": _sinks_alone,
}
