"""Does a chapter hold? A reader who follows it block by block in a directory, and compares what is printed."""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

import yaml

from tests.guide.blocks import WILDCARD, Block, Wrong, blocks
from tracemill.config import ConfigError, parse

PATIENCE_S: Final = 60.0
AGAIN_S: Final = 0.5
STOP_S: Final = 15.0
RUN_BY: Final = {"sh": ("bash", "-euo", "pipefail", "-c"), "python": (sys.executable, "-c")}
CONFIGURATION: Final = "tracemill.yaml"
"""A block with this title that isn't run is our own configuration, and is read as such."""

_FLAGS: Final = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_PORT: Final = re.compile(r"\b\d{4,5}\b")


class Reader:
    """Follows chapters in `directory`; `ports` are those of the text, each with the one that stands in for it."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str],
        ports: Mapping[int, int],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._directory = directory
        self._patience_s = patience_s
        self._environment = {**os.environ, **environment}
        self._ports = ports
        self._beside: dict[int, subprocess.Popen[bytes]] = {}

    def follow(self, chapter: Path) -> None:
        """Do all that a chapter says, in order.

        Raises:
            Wrong: a block doesn't do what is said; its line is named.
        """
        text = _PORT.sub(lambda found: str(self._ports.get(int(found[0]), found[0])), chapter.read_text())
        try:
            for block in blocks(text):
                self._do(block)
            self._check_beside()
        except Wrong as wrong:
            raise Wrong(f"{chapter.name}: {wrong}") from wrong
        finally:
            self._stop()

    def _do(self, block: Block) -> None:
        if "not-run" in block.options:
            look_over(block)
        elif "title" in block.options:
            (self._directory / block.options["title"]).write_text(block.text)
        elif block.language not in RUN_BY:
            raise Wrong(f"line {block.line}: nobody runs {block.language}: give it a title, or not-run with a reason")
        elif "background" in block.options:
            with self._log(block.line).open("wb") as log:
                self._beside[block.line] = self._start(block, log)
        else:
            self._run(block)

    def _run(self, block: Block) -> None:
        deadline = time.monotonic() + self._patience_s
        while problem := self._problem(block):
            if "retry" not in block.options or time.monotonic() > deadline:
                raise Wrong(f"line {block.line}: {problem}")
            time.sleep(AGAIN_S)

    def _problem(self, block: Block) -> str | None:
        process = self._start(block, subprocess.PIPE)
        try:
            printed = process.communicate(timeout=self._patience_s)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            _kill(process)
            process.communicate()
            return f"no end after {self._patience_s:g} s"
        wanted = int(block.options.get("exit", 0))
        if process.returncode != wanted:
            return f"exit code {process.returncode} instead of {wanted}\n{printed}"
        return None if block.expected is None else difference(block.expected, printed)

    def _start(self, block: Block, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*RUN_BY[block.language], block.text],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _log(self, line: int) -> Path:
        return self._directory / f"line-{line}.log"

    def _check_beside(self) -> None:
        for line, process in self._beside.items():
            if process.poll() is not None:
                raise Wrong(f"line {line}: ended before the chapter did\n{self._log(line).read_text()}")

    def _stop(self) -> None:
        while self._beside:
            _, process = self._beside.popitem()
            _end(process)


def difference(expected: str, printed: str) -> str | None:
    """What is printed otherwise than expected, None where nothing is; white space may differ in width."""
    checker, wanted = doctest.OutputChecker(), expected.replace(WILDCARD, doctest.ELLIPSIS_MARKER)
    if checker.check_output(wanted, printed, _FLAGS):
        return None
    return checker.output_difference(doctest.Example("", wanted), printed, _FLAGS)


def look_over(block: Block) -> None:
    """Whether a block that isn't run could be: it is YAML, a configuration of ours, a script, as it says.

    Raises:
        Wrong: it isn't.
    """
    try:
        if block.options.get("title") == CONFIGURATION:
            parse(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
        elif block.language == "python":
            compile(block.text, "block", "exec")
        elif block.language == "sh":
            subprocess.run(["bash", "-n", "-c", block.text], check=True, capture_output=True, text=True)
    except (ConfigError, yaml.YAMLError, SyntaxError) as error:
        raise Wrong(f"line {block.line}: {error}") from error
    except subprocess.CalledProcessError as error:
        raise Wrong(f"line {block.line}: {error.stderr}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop, and kill what is left of it and of all that it started."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
