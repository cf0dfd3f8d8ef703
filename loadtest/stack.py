"""How does a benchmark get a running Tracemill, and how does it hold parts of one still?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from loadtest.accounting import Process, read_tree
from loadtest.commands import CommandFailed
from tracemill.config import Config, parse

READY_TIMEOUT_S: Final = 180.0
STOP_TIMEOUT_S: Final = 30.0
RETAINED_BYTES: Final = 16 * 1024**3
"""So that the ledger finds every record of several runs."""
_TITLE: Final = "tracemill"
_WORDS: Final = {
    "kafka.Kafka": "kafka",
    "loadtest.generate": "generator",
    "loadtest.fill": "generator",
}


class StackError(CommandFailed):
    """There is no running Tracemill; the text says why."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running Tracemill: where everything is, and its supervisor's process."""

    config: Config
    pid: int

    @property
    def endpoints(self) -> dict[str, str]:
        """Of the receivers, by protocol."""
        ingest = self.config.ingest
        return {
            "http": f"http://{ingest.host}:{ingest.http_port}",
            "grpc": f"http://{ingest.host}:{ingest.grpc_port}",
        }

    @contextmanager
    def held(self, parts: Iterable[str]) -> Iterator[None]:
        """Stop the processes of some parts (SIGSTOP) and let them go on at the end."""
        wanted = set(parts)
        pids = [process.pid for process in read_tree(self.pid) if part_of(process) in wanted]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


def part_of(process: Process) -> str | None:
    """The part that a process begins, by its command line."""
    words = " ".join(process.command).split()
    for word in words:
        if word in _WORDS:
            return _WORDS[word]
    at = next((at for at, word in enumerate(words[:-1]) if Path(word).name == _TITLE or word == "cli.main"), None)
    if at is None:
        return None
    return "supervisor" if words[at + 1] == "up" else words[at + 1]


@contextmanager
def running(
    directory: Path, port_offset: int, rules: Path | None, retained_bytes: int = RETAINED_BYTES
) -> Iterator[Stack]:
    """Run `tracemill up` on a fresh directory until the end of the block.

    Raises:
        StackError: it ended or didn't become ready; the last lines that it printed are in the text.
    """
    up = Up(directory, port_offset, {"sampling": {"rules": str(rules) if rules else None}}, retained_bytes)
    try:
        yield up.start()
    finally:
        up.stop()


class Up:
    """`tracemill up` on a directory, which can be killed and started again on what is there."""

    def __init__(
        self, directory: Path, port_offset: int, settings: Mapping[str, Any], retained_bytes: int = RETAINED_BYTES
    ) -> None:
        """`settings`: sections of the configuration, besides where the data is and how much of the log is kept."""
        self.data_dir = directory / "data"
        self._output = directory / "up.log"
        source = directory / "bench.yaml"
        own = {"kafka": {"retained_bytes": retained_bytes}, "embedded": {"data_dir": str(self.data_dir)}}
        source.write_text(yaml.safe_dump({**settings, **own}))
        offset = ("--port-offset", str(port_offset))
        self._command = [sys.executable, "-m", "cli.main", "up", "--config", str(source), *offset]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Stack:
        """Run it, and wait until it is ready.

        Raises:
            StackError: it ended or didn't become ready; the last lines that it printed are in the text.
        """
        with self._output.open("ab") as log:
            began = log.tell()
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        _wait_until_ready(self._process, self._output, began)
        return attached(self.data_dir)

    def stop(self) -> None:
        """End all in order; kill it if it takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End all at once, as far as the kernel and the sentinel do it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def attached(data_dir: Path) -> Stack:
    """The Tracemill that `tracemill up` runs on a data directory.

    Raises:
        StackError: none does.
    """
    try:
        config = parse((data_dir / "tracemill.yaml").read_text(), str(data_dir / "tracemill.yaml"))
        pid = int((data_dir / "lock").read_text())
        os.kill(pid, 0)
    except (OSError, ValueError) as error:
        raise StackError(f"no `tracemill up` runs on {data_dir}: {error}") from error
    return Stack(config, pid)


def _wait_until_ready(process: subprocess.Popen[bytes], output: Path, began: int) -> None:
    """`began`: how many bytes others had written to `output` before it."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not any(line.startswith(b"READY") for line in output.read_bytes()[began:].splitlines()):
        if process.poll() is not None or time.monotonic() > deadline:
            last = "\n".join(output.read_text().splitlines()[-20:])
            raise StackError(f"`tracemill up` isn't ready (exit code {process.returncode}):\n{last}")
        time.sleep(0.2)
