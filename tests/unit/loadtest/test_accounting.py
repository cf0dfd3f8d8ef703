"""CPU and memory are those of the processes asked about, threads, children and the dead among them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from loadtest.accounting import OTHERS, Accountant, Process, parts_of, read_process, read_tree

BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"
TREE = f"""
import subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", {(BURN + "time.sleep(60)")!r}.format(seconds=0.3), "worker"])
thread = threading.Thread(target=exec, args=({BURN!r}.format(seconds=0.4),))
thread.start()
thread.join()
held = bytearray(80_000_000)
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
"""


@pytest.fixture
def tree() -> Iterator[tuple[int, int]]:
    """A process that burns 0.4 s in a thread and holds 80 MB, and its child that burns 0.3 s."""
    process = subprocess.Popen([sys.executable, "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.pid, int(process.stdout.readline())
    process.communicate("")


def _part(process: Process) -> str | None:
    return "worker" if process.command[-1:] == ("worker",) else None


def _wait_for(pid: int, cpu_s: float) -> None:
    while (process := read_process(pid)) and process.cpu_s < cpu_s:
        time.sleep(0.02)


def test_a_process_is_read_with_its_threads_command_and_peak(tree: tuple[int, int]) -> None:
    pid, child = tree
    process = read_process(pid)
    assert process is not None
    assert process.parent == os.getpid()
    assert process.command[:2] == (sys.executable, "-c")
    assert process.cpu_s >= 0.35
    assert process.peak_bytes > 80_000_000
    assert {each.pid for each in read_tree(pid)} == {pid, child}


def test_each_part_is_accounted_from_the_start_even_when_it_died() -> None:
    accountant = Accountant({"rest": os.getpid()}, _part)
    accountant.start()
    process = subprocess.Popen([sys.executable, "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    _wait_for(child, 0.25)
    time.sleep(0.7)
    os.kill(child, signal.SIGKILL)
    usage = accountant.stop()
    process.communicate("")
    assert 0.25 <= usage["worker"].cpu_s < 2
    assert usage["rest"].cpu_s >= 0.35
    assert usage["worker"].processes == 1


def test_what_others_take_is_told_apart(tree: tuple[int, int]) -> None:
    accountant = Accountant({"rest": tree[0]}, _part)
    accountant.start()
    deadline = time.process_time() + 0.3
    while time.process_time() < deadline:
        pass
    usage = accountant.stop()
    assert usage[OTHERS].cpu_s >= 0.2
    assert usage[OTHERS].peak_bytes == 0


def test_only_what_was_taken_until_a_moment_counts() -> None:
    accountant = Accountant({"rest": os.getpid()}, _part)
    accountant.start()
    moment = time.monotonic()
    deadline = time.process_time() + 1.5
    while time.process_time() < deadline:
        pass
    assert accountant.stop(moment)["rest"].cpu_s < 1.0


def test_what_was_taken_before_does_not_count(tree: tuple[int, int]) -> None:
    _wait_for(tree[1], 0.25)
    accountant = Accountant({"rest": tree[0]}, _part)
    accountant.start()
    usage = accountant.stop()
    assert usage["rest"].cpu_s < 0.15
    assert usage["worker"].cpu_s < 0.15


def test_a_process_belongs_to_the_nearest_ancestor_that_begins_a_part() -> None:
    commands = {1: ("up",), 2: ("tracemill", "streams"), 3: ("python",), 4: ("java", "kafka.Kafka"), 5: ("python",)}
    parents = {1: 0, 2: 1, 3: 2, 4: 1, 5: 1}
    processes = [Process(pid, parents[pid], 0, command, 0.0, 0) for pid, command in commands.items()]

    def part(process: Process) -> str | None:
        return next((name for name in ("streams", "kafka") if name in " ".join(process.command)), None)

    assert parts_of(processes, part, "supervisor") == {
        1: "supervisor",
        2: "streams",
        3: "streams",
        4: "kafka",
        5: "supervisor",
    }


def test_a_process_that_is_gone_is_none() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert read_process(process.pid) is None
