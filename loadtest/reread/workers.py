"""How do stream workers run that write to topics of their own, and how does one know what they are doing?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from loadtest.commands import CommandFailed
from loadtest.scraped import scrape
from runtime.ports import free_port
from tracemill.config import Config

STOP_TIMEOUT_S: Final = 20.0
TOLD_LINES: Final = 15
_ENVIRONMENT: Final = {"POLARS_MAX_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
_OPEN: Final = "tracemill_streams_open_traces"
_RECORDS: Final = "tracemill_streams_records_total"


class WorkerEndedError(CommandFailed):
    """A worker isn't there any longer; its last lines are in the text."""


@dataclass(frozen=True, slots=True)
class StreamWorker:
    """One `tracemill streams`, running."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def open_traces(self) -> float | None:
        """How many traces it holds open, None while it doesn't say."""
        return self._metric(_OPEN)

    def records(self) -> int:
        """How many records it has read."""
        return int(self._metric(_RECORDS) or 0)

    def check(self) -> None:
        """Make sure that it runs.

        Raises:
            WorkerEndedError: it doesn't.
        """
        if self.process.poll() is not None:
            raise WorkerEndedError(f"a worker ended with {self.process.returncode}:\n{self.last_lines()}")

    def last_lines(self) -> str:
        """What it said last."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TOLD_LINES:])

    def _metric(self, name: str) -> float | None:
        """The sum over all labels."""
        try:
            return scrape(f"http://127.0.0.1:{self.port}").total(name)
        except OSError:
            return None


@contextmanager
def running(config: Config, count: int, directory: Path) -> Iterator[list[StreamWorker]]:
    """Run so many workers until the end of the block; their files are in `directory`."""
    workers: list[StreamWorker] = []
    try:
        workers.extend(_start(config, directory / f"worker-{number}.yaml") for number in range(count))
        yield workers
    finally:
        _stop(workers)


def _start(config: Config, file: Path) -> StreamWorker:
    port, log = free_port(), file.with_suffix(".log")
    raw: dict[str, Any] = config.model_dump(mode="json")
    raw["streams"] |= {"metrics_host": "127.0.0.1", "metrics_port": port}
    file.write_text(yaml.safe_dump(raw))
    command = [sys.executable, "-m", "cli.main", "streams", "--config", str(file)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **_ENVIRONMENT}
        )
    return StreamWorker(process, port, log)


def _stop(workers: list[StreamWorker]) -> None:
    """SIGTERM for all, and SIGKILL for those that take too long."""
    for worker in workers:
        worker.process.terminate()
    deadline_s = time.monotonic() + STOP_TIMEOUT_S
    for worker in workers:
        try:
            worker.process.wait(max(deadline_s - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
