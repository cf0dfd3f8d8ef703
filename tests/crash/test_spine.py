"""The whole stack under load while every part of it is killed, one after the other: loss 0, double counting 0."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
import pytest
import yaml

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

START_S = 90.0
RATE = 1_200
SECONDS = 45
SETTLE_S = 90.0
OFFSET_MARK = "READY "

ASSEMBLY = {"quiet_period_ms": 1_000, "max_idle_ms": 4_000, "carry_after_ms": 4_000, "max_age_ms": 15_000}


@dataclass
class Stack:
    """`tracemill up` as a process, and its parts by name."""

    process: subprocess.Popen[str]
    addresses: dict[str, str]

    def part(self, name: str) -> psutil.Process:
        """The process of a part: the one whose command line says so, nearest to the supervisor."""
        wanted = {"kafka": ["tracemill kafka"], "store": ["tracemill store"]}.get(name, [f"tracemill {name}"])
        for child in psutil.Process(self.process.pid).children(recursive=True):
            line = " ".join(child.cmdline())
            if any(mark in line for mark in wanted) or f"cli.main {name} " in line:
                return child
        raise AssertionError(f"no process of {name}")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    config = tmp_path / "tracemill.yaml"
    config.write_text(yaml.safe_dump({"assembly": ASSEMBLY, "streams": {"session_timeout_ms": 6_000}}))
    offset = str(_free_offset())
    arguments = ["up", "--config", str(config), "--data-dir", str(tmp_path / "data"), "--port-offset", offset]
    with (tmp_path / "up.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments], stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout
    try:
        ready = _ready(process.stdout)
        yield Stack(process, dict(pair.split("=", 1) for pair in ready.split()[1:]))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            process.stdout.close()


def _ready(output: IO[str]) -> str:
    for line in output:
        if line.startswith(OFFSET_MARK):
            return line
    raise AssertionError("the stack ended before it was ready")


def _free_offset() -> int:
    """An offset at which all ports are free now; each run of the tests begins elsewhere."""
    from embedded.ports import is_free
    from embedded.stack import effective, ports
    from tracemill.config import Config

    for step in range(100):
        offset = 20_000 + (os.getpid() * 37 + step * 211) % 20_000
        if all(map(is_free, ports(effective(Config(), offset)).values())):
            return offset
    raise AssertionError("no free ports")


def test_everything_is_killed_and_nothing_is_lost(stack: Stack, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    endpoint = stack.addresses["otlp-http"]
    words = (
        f"--rate {RATE} --spans 0 --seconds {SECONDS} --late-every 40 --late-after 12 "
        "--rootless-every 50 --long-open 5 --long-seconds 20"
    )
    options = words.split()
    source = subprocess.Popen(
        [sys.executable, "-m", "loadtest.generate", "--endpoint", endpoint, *options, "--ledger", str(ledger)],
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(4)
    for name in ("streams", "sinks", "ingest", "store", "kafka"):
        stack.part(name).kill()
        time.sleep(5)
    for name in ("streams", "sinks", "ingest"):
        stack.part(name).terminate()
        time.sleep(2)
    sleeper = stack.part("streams")
    sleeper.suspend()
    time.sleep(8)
    sleeper.resume()
    sent, _ = source.communicate(timeout=120)
    assert source.returncode == 0, sent
    verdict = _settled(stack, ledger)
    assert verdict["default"]["clean"], json.dumps(verdict, indent=2)


def _settled(stack: Stack, ledger: Path) -> dict:
    """The ledger's verdict, once it is clean or nothing more can be expected."""
    words = ["--claims", str(ledger), "--bootstrap", stack.addresses["kafka"], "--store", stack.addresses["store"]]
    deadline = time.monotonic() + SETTLE_S
    while True:
        done = subprocess.run(
            [sys.executable, "-m", "loadtest.check", *words], capture_output=True, text=True, timeout=60
        )
        if done.returncode == 0 or time.monotonic() > deadline:
            assert done.stdout, done.stderr
            return json.loads(done.stdout)
        time.sleep(3)
