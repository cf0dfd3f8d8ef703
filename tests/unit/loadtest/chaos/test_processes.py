"""Processes are found by what they are, struck, and known to be gone; real ones, with the names of parts."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.chaos.faults import World, begun
from loadtest.chaos.plan import Fault, Kind
from loadtest.chaos.processes import Readiness, chosen, find, send
from loadtest.stack import Up
from tests.fixtures.ports import own_port
from tests.fixtures.waiting import eventually
from tracemill.config import Config, parse

SLEEP = "import time; time.sleep(600)"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen(["python", "-c", {SLEEP!r}], executable={sys.executable!r})
sys.stdin.read()
child.kill()
"""


@pytest.fixture
def parts() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """An ingester with a child, and two stream workers."""
    made = {
        "ingest": subprocess.Popen(["tracemill ingest", "-c", PARENT], executable=sys.executable, stdin=subprocess.PIPE)
    }
    for name in ("one", "other"):
        made[name] = subprocess.Popen(["tracemill streams", "-c", SLEEP], executable=sys.executable)
        # They are told apart by when they began, in hundredths of a second.
        time.sleep(0.05)
    eventually(lambda: (len(find("ingest worker")), len(find("streams"))), (1, 2))
    yield made
    made["ingest"].communicate()
    for process in made.values():
        process.kill()
        process.wait()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Up(tmp_path, 0, {}), Config(), tmp_path, {}, threading.Event())


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_part_is_its_first_process_and_its_workers_are_the_children(
    parts: dict[str, subprocess.Popen[bytes]],
) -> None:
    assert [process.pid for process in find("ingest")] == [parts["ingest"].pid]
    (worker,) = find("ingest worker")
    assert worker.parent == parts["ingest"].pid
    assert [process.pid for process in find("streams")] == [parts["one"].pid, parts["other"].pid]
    assert find("sinks") == []
    assert chosen("sinks", 0.5, 0.0) is None


@pytest.mark.parametrize(("pick", "name"), [(0.0, "one"), (0.49, "one"), (0.5, "other"), (1.0, "other")])
def test_dice_choose_among_several(parts: dict[str, subprocess.Popen[bytes]], pick: float, name: str) -> None:
    process = chosen("streams", pick, 0.0)
    assert process is not None
    assert process.pid == parts[name].pid


def test_a_kill_kills_and_nobody_else_is_struck_instead(
    parts: dict[str, subprocess.Popen[bytes]], world: World
) -> None:
    notes: list[str] = []
    victim = find("streams")[0]
    with begun(world, Fault(0.0, Kind.KILL, "streams", 0.0, 0.0), notes.append):
        assert parts["one"].wait() == -signal.SIGKILL
    assert notes == []
    assert parts["other"].poll() is None
    assert not send(victim, signal.SIGKILL)


def test_what_is_frozen_stands_still_until_the_end(parts: dict[str, subprocess.Popen[bytes]], world: World) -> None:
    notes: list[str] = []
    with begun(world, Fault(0.0, Kind.FREEZE, "ingest", 1.0, 0.0), notes.append):
        eventually(lambda: _state(parts["ingest"].pid), "T")
    eventually(lambda: _state(parts["ingest"].pid) == "T", False)
    with begun(world, Fault(0.0, Kind.FREEZE, "streams", 1.0, 0.0), notes.append):
        parts["one"].kill()
        parts["one"].wait()
    assert notes == ["was gone when it should have gone on"]


def test_what_is_away_is_killed_whenever_it_comes_back(world: World) -> None:
    """The API, because other tests' stores are processes of this one as well."""
    notes: list[str] = []
    command = ["tracemill api", "-c", SLEEP]
    first = subprocess.Popen(command, executable=sys.executable)
    eventually(lambda: len(find("api")), 1)
    with begun(world, Fault(0.0, Kind.AWAY, "api", 1.0, 0.0), notes.append):
        assert first.wait() == -signal.SIGTERM
        assert subprocess.Popen(command, executable=sys.executable).wait() == -signal.SIGKILL
    assert notes == ["kept from coming back 1 times"]


def test_what_cannot_be_filled_says_so(world: World) -> None:
    notes: list[str] = []
    with begun(world, Fault(0.0, Kind.FULL, "kafka", 1.0, 0.0), notes.append):
        pass
    assert notes == ["skipped: no disk can be mounted"]


def test_what_nobody_answers_for_is_not_ready() -> None:
    config = parse(f"streams: {{metrics_port: {own_port()}}}\nkafka: {{bootstrap: '127.0.0.1:{own_port()}'}}")
    ready = Readiness(config)
    assert "doesn't answer" in (ready.why_not("streams") or "")
    assert ready.why_not("kafka")
    assert ready.wait("streams", 0.0) is None
    assert ready.wait("streams", 60.0, gone=lambda: True) is None
