"""How much CPU and memory did each process take? Read from /proc, for the processes of a part and their children."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

PROC: Final = Path("/proc")
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
INTERVAL_S: Final = 0.5
OTHERS: Final = "others"


class Memory(NamedTuple):
    """Bytes that are resident. `anonymous_bytes` are those that no file holds: a kernel that needs memory can't take
    them back."""

    resident_bytes: int
    anonymous_bytes: int
    peak_bytes: int
    """The most that were ever resident, or since the peak was forgotten."""


class Process(NamedTuple):
    """A process as it was at one moment. `started` in ticks since boot tells it from a later one of the same id."""

    pid: int
    parent: int
    started: int
    command: tuple[str, ...]
    cpu_s: float
    """User and system, of all threads, without children."""
    memory: Memory


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
    memory = _memory(status)
    if memory is None:
        return None
    words = tuple(word.decode(errors="replace") for word in command.split(b"\0") if word)
    cpu_s = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return Process(pid, int(fields[1]), int(fields[19]), words, cpu_s, memory)


def _memory(status: str) -> Memory | None:
    """What /proc/PID/status says of memory; a zombie has none, nor has a thread of the kernel."""
    lines = (line.split() for line in status.splitlines() if line.startswith(("Vm", "Rss")))
    told = {name: int(kib) * 1024 for name, kib, _ in lines}
    return Memory(told["VmRSS:"], told["RssAnon:"], told["VmHWM:"]) if "VmHWM:" in told else None


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


Key = tuple[int, int]
"""Process id and start."""


class Reading(NamedTuple):
    """A process at one moment: the part it belongs to, its CPU-seconds since it began, its memory."""

    part: str
    cpu_s: float
    memory: Memory


class Sample(NamedTuple):
    """Every process that was there at a moment of the monotonic clock, and the CPU-seconds of the whole machine."""

    at_s: float
    busy_s: float
    readings: Mapping[Key, Reading]


def usage(samples: Sequence[Sample], until_s: float | None = None) -> dict[str, Usage]:
    """What each part took from the first sample to the last, or to the first that isn't before `until_s`.

    A process counts with what it had taken when it was seen last, less what it had taken in the first sample, and with
    its latest peak. One seen in the first sample only isn't counted. What the rest of the machine took is under
    `others`, without memory. There must be two samples at least, in the order of their times.
    """
    first, *later = samples
    counted = later if until_s is None else _up_to(later, until_s)
    last: dict[Key, Reading] = {}
    for sample in counted:
        last |= sample.readings
    parts: dict[str, Usage] = {}
    for key, reading in last.items():
        so_far = parts.get(reading.part, Usage(0.0, 0, 0))
        parts[reading.part] = Usage(
            so_far.cpu_s + reading.cpu_s - (first.readings[key].cpu_s if key in first.readings else 0.0),
            so_far.peak_bytes + reading.memory.peak_bytes,
            so_far.processes + 1,
        )
    ours_s = sum(part.cpu_s for part in parts.values())
    others_s = counted[-1].busy_s - first.busy_s - ours_s
    return parts | {OTHERS: Usage(max(others_s, 0.0), 0, 0)}


def _up_to(samples: Sequence[Sample], until_s: float) -> Sequence[Sample]:
    """Those before a moment, and the next."""
    return samples[: sum(sample.at_s < until_s for sample in samples) + 1]


class Accountant:
    """Samples trees of processes, so that what a process took before it died counts too."""

    def __init__(self, roots: Mapping[str, int], part: Part, interval_s: float = INTERVAL_S) -> None:
        """`roots`: a name for the processes of each tree that begin no part, and the tree's first process."""
        self._roots = roots
        self._part = part
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="accountant", daemon=True)
        self.samples: list[Sample] = []
        """What was seen so far."""

    def start(self) -> None:
        """Count from now on: CPU taken before doesn't count, peaks begin anew where the kernel allows it."""
        self._note()
        for pid, _ in self.samples[0].readings:
            forget_peak(pid)
        self._thread.start()

    def stop(self, until_s: float | None = None) -> dict[str, Usage]:
        """What each part took until now, or until the first sample after a moment of the monotonic clock."""
        self._stopped.set()
        self._thread.join()
        self._note()
        return usage(self.samples, until_s)

    def _watch(self) -> None:
        while not self._stopped.wait(self._interval_s):
            self._note()

    def _note(self) -> None:
        self.samples.append(Sample(time.monotonic(), busy_s(), self._readings()))

    def _readings(self) -> dict[Key, Reading]:
        readings: dict[Key, Reading] = {}
        for name, root in self._roots.items():
            tree = read_tree(root)
            parts = parts_of(tree, self._part, name)
            for process in tree:
                key = (process.pid, process.started)
                readings[key] = Reading(parts[process.pid], process.cpu_s, process.memory)
        return readings


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
