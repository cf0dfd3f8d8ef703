"""The whole stack under load while every part of it is struck in every way: loss 0, double counting 0."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.servers import Server
from tests.fixtures.takeovers import ends, takeovers, told_of
from tests.fixtures.waiting import PATIENCE_S, eventually
from tests.fixtures.whole import Stack, stack

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]

RATE = 1_200
LOAD = "--spans 0 --seconds 600 --late-every 40 --late-after 12 --rootless-every 50 --long-open 5 --long-seconds 90"
CARRY_AFTER_MS = 3_000
ASSEMBLY = {"quiet_period_ms": 1_000, "max_idle_ms": 5_000, "carry_after_ms": CARRY_AFTER_MS, "max_age_ms": 60_000}

STILL_S = 1.5
ATTEMPTS = 3
MORE = 12
STOP_S = 10.0
SERVED_AGAIN_MS = 15_000
READ_AGAIN_MS = CARRY_AFTER_MS + 10_000


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path, {"assembly": ASSEMBLY}) as made:
        yield made


def test_everything_is_struck_and_nothing_is_lost(running: Stack, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with _load(running, ledger) as source, running.second_worker() as second:
        _kill_each(running)
        _stop_all_at_once(running)
        second.start()
        eventually(running.shares, [4, 4])
        _hold_each_still(running)
        _restart_one_after_the_other(running, second)
        _soon(lambda: _kill_for_good(running, second))
        source.terminate()
        sent, _ = source.communicate(timeout=PATIENCE_S)
        assert source.returncode == 0, sent
    verdict = _settled(running, ledger)
    assert verdict["default"]["clean"], json.dumps(verdict, indent=2)


def _kill_each(running: Stack) -> None:
    began_ms = _now_ms()
    for name in ("sinks", "store"):
        running.strike(signal.SIGKILL, name)
    # Traces are open for so long by now that without carrying them more would be read again than may be.
    eventually(lambda: _now_ms() - began_ms > READ_AGAIN_MS + 2_000)
    _soon(lambda: _kill_the_worker(running))
    for name in ("ingest", "kafka"):
        running.strike(signal.SIGKILL, name)


def _kill_the_worker(running: Stack) -> int:
    _flows(running)
    killed_ms = _now_ms()
    running.strike(signal.SIGKILL, "streams")
    return _gone_on_with(running, 8, killed_ms)


def _stop_all_at_once(running: Stack) -> None:
    took_s = running.strike(signal.SIGTERM, "streams", "sinks", "ingest", "store", "kafka")
    assert took_s["streams"] < STOP_S


def _hold_each_still(running: Stack) -> None:
    """The worker for so long that the other one takes its place."""
    with running.still("streams") as sleeper:
        for name in ("ingest", "sinks", "store", "kafka"):
            with running.still(name):
                time.sleep(STILL_S)
        eventually(running.shares, [8])
    running.back("streams", sleeper)
    eventually(running.shares, [4, 4])


def _restart_one_after_the_other(running: Stack, second: Server) -> None:
    """The first while the broker doesn't answer: it can't wait for what it has sent."""
    first = running.alive("streams")
    with running.still("kafka"):
        time.sleep(STILL_S)
        began_s = time.monotonic()
        first.terminate()
        first.wait(PATIENCE_S)
        assert time.monotonic() - began_s < STOP_S
    running.back("streams", first)
    eventually(running.shares, [4, 4])
    began_s = time.monotonic()
    assert second.stop() == 0
    assert time.monotonic() - began_s < STOP_S
    second.start()
    eventually(running.shares, [4, 4])


def _kill_for_good(running: Stack, second: Server) -> int:
    if second.process and second.process.poll() is not None:
        second.start()
        eventually(running.shares, [4, 4])
    _flows(running)
    killed_ms = _now_ms()
    second.kill()
    return _gone_on_with(running, 4, killed_ms)


def _gone_on_with(running: Stack, partitions: int, killed_ms: int) -> int:
    """Milliseconds until as many partitions of a worker that was killed were served again."""
    kafka = running.config.kafka
    later = ends(kafka)
    eventually(lambda: told_of(kafka, later, killed_ms))
    took = takeovers(kafka, killed_ms).values()
    assert len(took) == partitions
    slowest_ms, most_ms = max(each.served_ms or 0 for each in took), max(each.read_again_ms for each in took)
    log.info("partitions=%d served_again_ms=%d read_again_ms=%d", partitions, slowest_ms, most_ms)
    assert most_ms <= READ_AGAIN_MS
    return slowest_ms


def _soon(blow: Callable[[], int]) -> None:
    """Partitions are served again in time; once more if not, because the machine may be busy with something else."""
    assert any(blow() <= SERVED_AGAIN_MS for _ in range(ATTEMPTS))


def _flows(running: Stack) -> None:
    """Wait until more has come to every partition, and the workers have told of it."""
    kafka, began_ms = running.config.kafka, _now_ms()
    wanted = [end + MORE for end in ends(kafka)]
    eventually(lambda: told_of(kafka, wanted, began_ms))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def _load(running: Stack, ledger: Path) -> Iterator[subprocess.Popen[str]]:
    config = running.config.ingest
    endpoint = f"http://127.0.0.1:{config.http_port}"
    words = [*LOAD.split(), "--rate", str(RATE), "--endpoint", endpoint, "--ledger", str(ledger)]
    source = subprocess.Popen([sys.executable, "-m", "loadtest.generate", *words], stdout=subprocess.PIPE, text=True)
    with source:
        try:
            yield source
        finally:
            source.kill()


def _settled(running: Stack, ledger: Path) -> dict[str, Any]:
    """The ledger's verdict, once it is clean or nothing more can be expected."""
    kafka, store = running.config.kafka.bootstrap, running.config.store.url
    words = ["--claims", str(ledger), "--bootstrap", kafka, "--store", store]
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        done = subprocess.run([sys.executable, "-m", "loadtest.check", *words], capture_output=True, text=True)
        if done.returncode == 0 or time.monotonic() > deadline_s:
            assert done.stdout, done.stderr
            verdict: dict[str, Any] = json.loads(done.stdout)
            return verdict
        time.sleep(3)
