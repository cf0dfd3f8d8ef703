"""Which processes make up the ingester, and what happens when one dies? It is started again, with back-off."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client import multiprocess

from ingest import family
from ingest.child import EXIT_CONFIG, READY
from runtime.logs import pairs
from tracemill.config import Config, ConfigError

_LOG = logging.getLogger(__name__)

ALLOCATOR: Final[Mapping[str, str]] = {
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "536870912",
    "MALLOC_TOP_PAD_": "16777216",
    "MALLOC_ARENA_MAX": "1",
}
"""Bodies of some 100 KB come and go; by default each is mapped and unmapped, which costs a quarter more CPU."""

_ROOT: Final = Path(__file__).parent.parent
"""Where children find the packages, whatever folder they are started in."""
_STOP_S: Final = 9.5
_BACK_OFF_S: Final = (0.2, 1.0, 5.0)
_SETTLED_S: Final = 30.0


class Children:
    """Processes of modules (`ingest.worker`, `ingest.receiver`) that serve the same configuration."""

    def __init__(self, config: Config, modules: list[str], metrics_dir: Path) -> None:
        self._config = config
        self._metrics_dir = metrics_dir
        self._environment = (
            os.environ
            | ALLOCATOR
            | {
                "PROMETHEUS_MULTIPROC_DIR": str(metrics_dir),
                "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            }
        )
        self._states = {f"{module} {number}": "starts" for number, module in enumerate(modules)}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        for name in self._states:
            family.RESTARTS.labels(_kind(name))
        self._stopping = False

    def why_not_ready(self) -> str | None:
        """Why not all children do their work (a sentence), or None."""
        return next((f"{name}: {state}" for name, state in self._states.items() if state != READY), None)

    def pids(self) -> list[int]:
        """The processes that were started last; one may have ended."""
        return [child.pid for child in list(self._running.values())]

    async def run(self, stop: asyncio.Event) -> None:
        """Keep all children running until `stop` is set, then stop them.

        Raises:
            ConfigError: a child can't use the configuration.
        """
        keeping = [asyncio.create_task(self._keep(name)) for name in self._states]
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait((*keeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        self._stopping = True
        await self._stop()
        stopping.cancel()
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        for task in done - {stopping}:
            task.result()

    async def _keep(self, name: str) -> None:
        failures = 0
        while not self._stopping:
            began = time.monotonic()
            code = await self._live(name)
            if self._stopping:
                return
            if code == EXIT_CONFIG:
                raise ConfigError(f"{name} can't use the configuration, see its line in the log")
            failures = 0 if time.monotonic() - began > _SETTLED_S else failures + 1
            family.RESTARTS.labels(_kind(name)).inc()
            wait_s = _BACK_OFF_S[min(failures, len(_BACK_OFF_S)) - 1] if failures else 0.0
            _LOG.warning(pairs("a process ended and is started again", child=name, ended=_ended(code), wait_s=wait_s))
            await asyncio.sleep(wait_s)

    async def _live(self, name: str) -> int:
        """Start a child, follow its state, return its exit code."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", name.partition(" ")[0], str(os.getpid())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        self._running[name] = child
        assert child.stdin
        assert child.stdout
        with suppress(BrokenPipeError, ConnectionResetError):
            child.stdin.write(self._config.model_dump_json().encode())
            await child.stdin.drain()
        child.stdin.close()
        async for line in child.stdout:
            self._states[name] = line.decode(errors="replace").strip()
        code = await child.wait()
        self._states[name] = f"ended ({_ended(code)})"
        multiprocess.mark_process_dead(child.pid, str(self._metrics_dir))
        return code

    async def _stop(self) -> None:
        for child in self._running.values():
            with suppress(ProcessLookupError):
                child.terminate()
        waiting = [asyncio.create_task(child.wait()) for child in self._running.values()]
        _, late = await asyncio.wait(waiting, timeout=_STOP_S)
        if late:
            _LOG.warning(pairs("a process didn't stop in time and is killed", processes=len(late)))
        for child in self._running.values():
            with suppress(ProcessLookupError):
                child.kill()


def _kind(name: str) -> str:
    return name.partition(" ")[0].rpartition(".")[2]


def _ended(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
