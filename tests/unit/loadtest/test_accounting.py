"""CPU and memory are those of the processes asked about, threads, children and the dead among them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.accounting import (
    OTHERS,
    Accountant,
    Memory,
    Process,
    Reading,
    Sample,
    Usage,
    busy_s,
    parts_of,
    read_process,
    read_tree,
    usage,
)
from tests.fixtures.waiting import eventually

BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"
TREE = f"""
import subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", {(BURN + "time.sleep(600)")!r}.format(seconds=0.3), "worker"])
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


def test_a_process_is_read_with_its_threads_command_and_peak(tree: tuple[int, int]) -> None:
    pid, child = tree
    process = read_process(pid)
    assert process is not None
    assert process.parent == os.getpid()
    assert process.command[:2] == (sys.executable, "-c")
    assert process.cpu_s >= 0.35
    assert process.memory.peak_bytes >= process.memory.resident_bytes > process.memory.anonymous_bytes > 80_000_000
    assert {each.pid for each in read_tree(pid)} == {pid, child}


def test_each_part_is_accounted_from_the_start_even_when_it_died() -> None:
    accountant = Accountant({"rest": os.getpid()}, _part)
    accountant.start()
    process = subprocess.Popen([sys.executable, "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())

    def seen_s() -> float:
        return max(
            (each.cpu_s for sample in accountant.samples for (pid, _), each in sample.readings.items() if pid == child),
            default=0.0,
        )

    eventually(lambda: seen_s() >= 0.25)
    os.kill(child, signal.SIGKILL)
    found = accountant.stop()
    process.communicate("")
    assert found["worker"].cpu_s >= 0.25
    assert found["worker"].processes == 1
    assert found["rest"].cpu_s >= 0.35


def test_the_whole_machine_is_busy_while_this_process_is() -> None:
    before = busy_s()
    while busy_s() <= before:
        pass


def reading(cpu_s: float, part: str = "streams", peak_bytes: int = 10) -> Reading:
    return Reading(part, cpu_s, Memory(peak_bytes, 0, peak_bytes))


LIVES, DIES, BORN = (1, 100), (2, 100), (1, 900)
"""The last has the id of the first, which was free again."""
HISTORY = [
    Sample(10.0, 100.0, {LIVES: reading(5.0), DIES: reading(1.0, "sinks"), (3, 1): reading(9.0, "gone")}),
    Sample(11.0, 104.0, {LIVES: reading(6.0, peak_bytes=70), DIES: reading(1.5, "sinks")}),
    Sample(12.0, 109.0, {LIVES: reading(8.0, peak_bytes=60), BORN: reading(0.5, "sinks", 5)}),
]


def test_a_history_told_by_hand() -> None:
    """What was taken before doesn't count; what the dead took does; others took what is left of 9 seconds."""
    assert usage(HISTORY) == {
        "streams": Usage(3.0, 60, 1),
        "sinks": Usage(1.0, 15, 2),
        OTHERS: Usage(5.0, 0, 0),
    }


@pytest.mark.parametrize(("until_s", "counted"), [(9.0, 2), (11.0, 2), (11.1, 3), (12.0, 3), (99.0, 3)])
def test_only_what_was_taken_until_the_first_sample_after_a_moment_counts(until_s: float, counted: int) -> None:
    assert usage(HISTORY, until_s) == usage(HISTORY[:counted])


def test_clocks_that_disagree_make_nobody_take_less_than_nothing() -> None:
    assert usage([Sample(0.0, 7.0, {}), Sample(1.0, 7.5, {LIVES: reading(2.0)})])[OTHERS] == Usage(0.0, 0, 0)


MOMENTS = 6
LIFE = st.tuples(
    st.sampled_from(["streams", "sinks", "ingest"]),
    st.integers(0, MOMENTS - 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=MOMENTS),
)
"""A process's part, the sample that sees it first, and what it took until each sample that sees it."""


@given(st.lists(LIFE, max_size=8), st.integers(1, MOMENTS - 1), st.lists(st.integers(0, 5), min_size=6, max_size=6))
def test_every_second_is_counted_once_whatever_lives_and_dies(
    lives: list[tuple[str, int, list[int]]], until: int, idle: list[int]
) -> None:
    readings: list[dict[tuple[int, int], Reading]] = [{} for _ in range(MOMENTS)]
    taken, spent = Counter[str](), [0] * MOMENTS
    for pid, (part, born, steps) in enumerate(lives):
        for at, step in enumerate(steps[: MOMENTS - born], born):
            readings[at][pid, 0] = Reading(part, sum(steps[: at - born + 1]), Memory(1, 1, 1))
            spent[at] += step
            taken[part] += step if 0 < at <= until else 0
    busy = [sum(spent[: at + 1]) + sum(idle[: at + 1]) for at in range(MOMENTS)]
    samples = [Sample(at, busy[at], readings[at]) for at in range(MOMENTS)]
    found = usage(samples, until)
    assert found.pop(OTHERS).cpu_s == sum(idle[1 : until + 1])
    assert +Counter({part: each.cpu_s for part, each in found.items()}) == +taken
    assert sum(each.processes for each in found.values()) == len(
        {key for each in readings[1 : until + 1] for key in each}
    )


def test_a_process_belongs_to_the_nearest_ancestor_that_begins_a_part() -> None:
    commands = {1: ("up",), 2: ("tracemill", "streams"), 3: ("python",), 4: ("java", "kafka.Kafka"), 5: ("python",)}
    parents = {1: 0, 2: 1, 3: 2, 4: 1, 5: 1}
    processes = [Process(pid, parents[pid], 0, command, 0.0, Memory(0, 0, 0)) for pid, command in commands.items()]

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
