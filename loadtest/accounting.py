"""How much CPU and memory did each process take? Read from /proc, for the processes of a part and their children."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

PROC: Final = Path("/proc")
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
INTERVAL_S: Final = 0.5
OTHERS: Final = "others"


class Process(NamedTuple):
    """A process as it was at one moment. `started` in ticks since boot tells it from a later one of the same id."""

    pid: int
    parent: int
    started: int
    command: tuple[str, ...]
    cpu_s: float
    """User and system, of all threads, without children."""
    peak_bytes: int


Part = Callable[[Process], str | None]
"""The name of the part that a process begins, or None if it is its parent's."""


def read_process(pid: int) -> Process | None:
    """The process of that id, or None if it is gone or a zombie."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
        status = (PROC / str(pid) / "status").read_text()
        command = (PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    peak = [int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")]
    if not peak:
        return None
    words = tuple(word.decode(errors="replace") for word in command.split(b"\0") if word)
    cpu_s = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return Process(pid, int(fields[1]), int(fields[19]), words, cpu_s, peak[0])


def read_tree(root: int) -> list[Process]:
    """A process and all that descend from it, parents before children."""
    everyone = [
        process for entry in PROC.iterdir() if entry.name.isdigit() and (process := read_process(int(entry.name)))
    ]
    children: dict[int, list[Process]] = {}
    for process in everyone:
        children.setdefault(process.parent, []).append(process)
    found = [process for process in everyone if process.pid == root]
    for process in found:
        found.extend(children.get(process.pid, []))
    return found


def parts_of(tree: Iterable[Process], part: Part, root_name: str) -> dict[int, str]:
    """The part of each process by its id: that of the nearest ancestor, itself included, that begins one."""
    names: dict[int, str] = {}
    for process in tree:
        names[process.pid] = part(process) or names.get(process.parent, root_name)
    return names


@dataclass(frozen=True, slots=True)
class Usage:
    """What a part's processes took since accounting began."""

    cpu_s: float
    peak_bytes: int
    processes: int


_Key = tuple[int, int]
"""Process id and start."""


class Accountant:
    """Samples trees of processes, so that what a process took before it died counts too.

    What the rest of the machine took is under `others`, without memory.
    """

    def __init__(self, roots: Mapping[str, int], part: Part) -> None:
        """`roots`: a name for the processes of each tree that begin no part, and the tree's first process."""
        self._roots = roots
        self._part = part
        self._parts: dict[_Key, str] = {}
        self._peaks: dict[_Key, int] = {}
        self._before: dict[_Key, float] = {}
        self._busy_before_s = 0.0
        self._history: list[tuple[float, float, dict[_Key, float]]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="accountant", daemon=True)

    def start(self) -> None:
        """Count from now on: CPU taken before doesn't count, peaks begin anew where the kernel allows it."""
        self._before, self._busy_before_s = self._sample(), busy_s()
        for pid, _ in self._before:
            forget_peak(pid)
        self._thread.start()

    def stop(self, until_s: float | None = None) -> dict[str, Usage]:
        """What each part took until now, or until the first sample after a moment of the monotonic clock."""
        self._stopped.set()
        self._thread.join()
        self._note()
        history = [each for each in self._history if until_s is None or each[0] < until_s]
        history += self._history[len(history) : len(history) + 1]
        taken: dict[_Key, float] = {}
        for _, _, sample in history:
            taken |= sample
        totals: dict[str, Usage] = {}
        for key, cpu_s in taken.items():
            so_far = totals.get(self._parts[key], Usage(0.0, 0, 0))
            totals[self._parts[key]] = Usage(
                so_far.cpu_s + cpu_s - self._before.get(key, 0.0),
                so_far.peak_bytes + self._peaks[key],
                so_far.processes + 1,
            )
        ours = sum(usage.cpu_s for usage in totals.values())
        busy = history[-1][1] - self._busy_before_s
        return totals | {OTHERS: Usage(max(busy - ours, 0.0), 0, 0)}

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            self._note()

    def _note(self) -> None:
        self._history.append((time.monotonic(), busy_s(), self._sample()))

    def _sample(self) -> dict[_Key, float]:
        """CPU-seconds of every process that is there."""
        taken: dict[_Key, float] = {}
        for name, root in self._roots.items():
            tree = read_tree(root)
            parts = parts_of(tree, self._part, name)
            for process in tree:
                key = (process.pid, process.started)
                self._parts[key], self._peaks[key] = parts[process.pid], process.peak_bytes
                taken[key] = process.cpu_s
        return taken


def busy_s() -> float:
    """CPU-seconds that all processes of the machine have taken since boot."""
    user, nice, system, _, _, irq, softirq = map(int, (PROC / "stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS_PER_S


def forget_peak(pid: int) -> None:
    """Begin a process's peak memory (VmHWM) anew, if we may."""
    try:
        (PROC / str(pid) / "clear_refs").write_text("5")
    except OSError:
        return
