"""How is each kind of fault brought about, and ended? One context manager a kind, which says what it saw."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from loadtest.accounting import read_tree
from loadtest.chaos.away import kept_away
from loadtest.chaos.disks import Disk
from loadtest.chaos.plan import Fault, Kind
from loadtest.chaos.processes import LOOK_S, chosen, find, send
from loadtest.chaos.refusals import TOO_MANY_PARTS, Refusals
from loadtest.reread.workers import running
from loadtest.stack import StackError, Up
from tracemill.config import Config

FIND_S: Final = 20.0
"""A process that isn't there is waited for so long: it may just be started again."""

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class World:
    """What faults act upon; `over` is set when nothing more is to be waited for."""

    up: Up
    config: Config
    directory: Path
    disks: Mapping[str, Disk]
    over: threading.Event
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def wait(self, seconds: float) -> bool:
        """Wait so long; False if nothing more is to be waited for."""
        return not self.over.wait(seconds)


def begun(world: World, fault: Fault, note: Note) -> AbstractContextManager[None]:
    """A fault that has begun inside the block, and is ended with it."""
    return _KINDS[fault.kind](world, fault, note)


@contextmanager
def _killed(_: World, fault: Fault, note: Note) -> Iterator[None]:
    process = chosen(fault.target, fault.pick, FIND_S)
    if process is None or not send(process, signal.SIGKILL):
        note("there was none")
    yield


@contextmanager
def _frozen(_: World, fault: Fault, note: Note) -> Iterator[None]:
    process = chosen(fault.target, fault.pick, FIND_S)
    if process is None or not send(process, signal.SIGSTOP):
        note("there was none")
        yield
        return
    try:
        yield
    finally:
        if not send(process, signal.SIGCONT):
            note("was gone when it should have gone on")


@contextmanager
def _joined(world: World, _: Fault, note: Note) -> Iterator[None]:
    directory = world.directory / f"worker-{next(world.numbers)}"
    directory.mkdir()
    with running(world.config, 1, directory) as (worker,):
        yield
        note(f"read {worker.records()} records")
        ended = worker.process.poll()
    note(f"left with {worker.process.returncode}" if ended is None else f"had ended with {ended}")


def _away(_: World, fault: Fault, note: Note) -> AbstractContextManager[None]:
    return kept_away(fault.target, note)


@contextmanager
def _refusing(world: World, _: Fault, note: Note) -> Iterator[None]:
    refusals = Refusals(world.config.store, world.wait)
    refusals.begin()
    try:
        yield
    finally:
        refusals.end()
        note(f"{refusals.count()} inserts refused with {TOO_MANY_PARTS}")


@contextmanager
def _full(world: World, fault: Fault, note: Note) -> Iterator[None]:
    disk, before = world.disks.get(fault.target), {process.pid for process in find(fault.target)}
    if disk is None:
        note("skipped: no disk can be mounted")
        yield
        return
    stop = threading.Event()

    def keep_full() -> None:
        while not stop.is_set():
            disk.fill()
            stop.wait(LOOK_S)

    keeper = threading.Thread(target=keep_full, name="filler")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()
        after = {process.pid for process in find(fault.target)}
        disk.free()
        note("went on" if before & after else "ended, and was started again and again")


@contextmanager
def _blackout(world: World, _: Fault, note: Note) -> Iterator[None]:
    supervisors = find("supervisor")
    everyone = [process for supervisor in supervisors for process in read_tree(supervisor.pid)]
    world.up.kill()
    while [process for process in everyone if send(process, signal.SIGKILL)]:
        time.sleep(LOOK_S)
    note(f"{len(everyone)} processes ended")
    try:
        yield
    finally:
        try:
            world.up.start()
        except StackError:
            # The next blackout may end it, or another fault keep a part away: whether all heals is looked at anyway.
            note("wasn't ready in time")


_KINDS: Final[Mapping[Kind, Callable[[World, Fault, Note], AbstractContextManager[None]]]] = {
    Kind.KILL: _killed,
    Kind.FREEZE: _frozen,
    Kind.JOIN: _joined,
    Kind.AWAY: _away,
    Kind.REFUSE: _refusing,
    Kind.FULL: _full,
    Kind.BLACKOUT: _blackout,
}
