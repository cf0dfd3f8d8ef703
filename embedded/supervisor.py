"""How do the parts start in order, live through crashes, and stop in order within the time allowed?"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from embedded import guard
from embedded.output import Output, Say
from embedded.parts import Part
from embedded.refusals import StepFailed
from embedded.sentinel import Sentinel

FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 15.0
HEALTHY_S: Final = 60.0
"""A part that lived so long has its back-off forgiven."""
ASK_EVERY_S: Final = 0.1
STOP_S: Final = 19.0
"""From the signal to the end of the last part: what still runs then is killed."""
RESERVE_S: Final = 1.0
"""Of the allowance, kept for each part that is to be stopped later."""
READ_BYTES: Final = 64 * 1024
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class _Running:
    """A part and what is known of it now."""

    part: Part
    output: Output
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    process: subprocess.Popen[bytes] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    started_s: float = 0.0
    failures: int = 0


class Supervisor:
    """Runs the parts; the last of the list is stopped first. For the main thread only (see `embedded.guard`)."""

    def __init__(self, parts: Sequence[Part], logs: Path, say: Say, stop_s: float = STOP_S) -> None:
        self._say = say
        self._stop_s = stop_s
        self._parts = {part.name: _Running(part, _output(part, logs, say)) for part in parts}
        self._sentinel = Sentinel()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._waiting = ThreadPoolExecutor(len(parts), "waiting")

    async def run(self, announcement: Callable[[], str]) -> None:
        """Start everything, announce it once all are ready, go on until SIGINT or SIGTERM, then stop everything.

        Raises:
            StepFailed: a step failed; everything has been stopped.
        """
        self._say(f"starting {', '.join(self._parts)}")
        with self._signals():
            lives = [asyncio.create_task(self._live(running)) for running in self._parts.values()]
            for life in lives:
                life.add_done_callback(self._stop_if_failed)
            announce = asyncio.create_task(self._announce(announcement))
            await self._stop.wait()
            announce.cancel()
            await self._stop_all()
            ended = await asyncio.gather(*lives, return_exceptions=True)
            self._close()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    def _stop_if_failed(self, life: asyncio.Task[None]) -> None:
        if not life.cancelled() and life.exception():
            self._stop.set()

    async def _announce(self, announcement: Callable[[], str]) -> None:
        while waited := [running for running in self._parts.values() if not running.ready.is_set()]:
            await waited[0].ready.wait()
        self._say(announcement())

    def _is_ready(self, running: _Running) -> None:
        running.ready.set()
        what = "has run" if running.part.once else "is ready"
        self._say(f"{running.part.name} {what} ({time.monotonic() - running.started_s:.0f} s)")

    async def _live(self, running: _Running) -> None:
        """Run a part again and again, until all is stopped; a step, until it succeeded."""
        part = running.part
        for name in part.after:
            await _first(self._parts[name].ready, self._stop)
        while not self._stop.is_set():
            code, last = await self._once(running)
            if self._stop.is_set():
                return
            if part.once and code == 0:
                self._is_ready(running)
                return
            if part.once:
                raise StepFailed(_story(f"{part.name} failed: {_why(code)}", last))
            running.ready.clear()
            delay_s = self._back_off(running)
            self._say(_story(f"{part.name} died: {_why(code)}; restarting in {delay_s:g} s", last))
            await _first(self._stop, timeout_s=delay_s)

    async def _once(self, running: _Running) -> tuple[int, list[str]]:
        """One life of a process: its exit code, negative for a signal, and its last lines."""
        part, output = running.part, running.output
        process = _spawn(part)
        self._sentinel.watch(process.pid)
        running.process, running.started_s = process, time.monotonic()
        running.ended.clear()
        asking = asyncio.create_task(self._ask(running))
        copying = asyncio.create_task(_copy(process, output))
        code = await asyncio.get_running_loop().run_in_executor(self._waiting, process.wait)
        _kill_group(process.pid)
        self._sentinel.forget(process.pid)
        running.process = None
        running.ended.set()
        asking.cancel()
        await asyncio.wait({copying}, timeout=1.0)
        copying.cancel()
        return code, output.ended()

    async def _ask(self, running: _Running) -> None:
        """Ask until the part is ready for the first time."""
        while not running.part.once and not running.ready.is_set():
            if await asyncio.to_thread(running.part.ready) is None:
                self._is_ready(running)
            await asyncio.sleep(ASK_EVERY_S)

    def _back_off(self, running: _Running) -> float:
        if time.monotonic() - running.started_s > HEALTHY_S:
            running.failures = 0
        running.failures += 1
        return float(min(FIRST_DELAY_S * 2 ** (running.failures - 1), LONGEST_DELAY_S))

    async def _stop_all(self) -> None:
        """SIGTERM to one part after the other, the last of the list first; SIGKILL to all at the end of the time."""
        deadline_s = time.monotonic() + self._stop_s
        left = [running for running in reversed(self._parts.values()) if running.process]
        for index, running in enumerate(left):
            later_s = RESERVE_S * (len(left) - index - 1)
            await self._stop_one(running, deadline_s - later_s - time.monotonic())
        for running in left:
            if running.process:
                self._say(f"{running.part.name} didn't stop in time: killing it")
                _kill_group(running.process.pid)

    async def _stop_one(self, running: _Running, allowance_s: float) -> None:
        process = running.process
        if not process:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await _first(running.ended, self._hurry, timeout_s=max(allowance_s, 0.0))

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in _STOPPING:
            loop.add_signal_handler(number, self._signalled)
        try:
            yield
        finally:
            for number in _STOPPING:
                loop.remove_signal_handler(number)

    def _signalled(self) -> None:
        if self._stop.is_set():
            self._say("stopping at once")
            self._hurry.set()
        else:
            self._say("stopping; once more to stop at once")
            self._stop.set()

    def _close(self) -> None:
        self._sentinel.close()
        self._waiting.shutdown()
        for running in self._parts.values():
            running.output.close()


def _spawn(part: Part) -> subprocess.Popen[bytes]:
    """Start it on this, the main thread; not with asyncio, which waits for all that inherited the output as well."""
    return subprocess.Popen(
        guard.argv(part.program, _title(part), part.arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **part.env},
        start_new_session=True,
    )


async def _copy(process: subprocess.Popen[bytes], output: Output) -> None:
    """Until the end of the process's output."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), process.stdout
    )
    with contextlib.closing(transport):
        while data := await reader.read(READ_BYTES):
            output.write(data)


async def _first(*events: asyncio.Event, timeout_s: float | None = None) -> None:
    """Wait for one of the events, or for the time."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _output(part: Part, logs: Path, say: Say) -> Output:
    return Output(logs / f"{part.name}.log", part.name, part.echo, say)


def _title(part: Part) -> str:
    """A Python program finds its environment by its first argument, and takes its name itself."""
    return part.program if "python" in Path(part.program).name else f"tracemill {part.name}"


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _why(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _story(sentence: str, lines: Sequence[str]) -> str:
    return "\n".join([sentence, *(f"    {line}" for line in lines)])
