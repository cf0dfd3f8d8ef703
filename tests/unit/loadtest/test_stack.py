"""Processes are known by their command lines, and can be held still; what doesn't run isn't attached to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from loadtest.accounting import Memory, Process, read_process, read_tree
from loadtest.stack import Stack, StackError, attached, part_of
from tracemill.config import Config

SLEEP = "import time; time.sleep(600)"
PARENT = f"""
import subprocess, sys
children = [
    subprocess.Popen(["tracemill " + part, "-c", {SLEEP!r}], executable=sys.executable)
    for part in ("streams", "sinks")
]
print(*(child.pid for child in children), flush=True)
sys.stdin.read()
for child in children:
    child.kill()
"""


@pytest.mark.parametrize(
    ("command", "part"),
    [
        (("tracemill streams",), "streams"),
        (("tracemill kafka", "-Xmx512m", "-cp", "/jars/*", "kafka.Kafka", "server.properties"), "kafka"),
        (("java", "-cp", "/jars/*", "kafka.Kafka", "server.properties"), "kafka"),
        (("/usr/bin/python", "-m", "cli.main", "ingest", "--config", "tracemill.yaml"), "ingest"),
        (("/usr/bin/python", "-m", "cli.main", "up"), "supervisor"),
        (("/usr/bin/python", "/opt/bin/tracemill", "api"), "api"),
        (("/usr/bin/python", "-m", "loadtest.generate", "--spans=8"), "generator"),
        (("/usr/bin/python", "-m", "loadtest.fill"), "generator"),
        (("/usr/bin/python", "-m", "loadtest.bench"), None),
        (("vi", "tracemill.yaml"), None),
        ((), None),
    ],
)
def test_a_part_is_known_by_its_command_line(command: tuple[str, ...], part: str | None) -> None:
    assert part_of(Process(1, 0, 0, command, 0.0, Memory(0, 0, 0))) == part


@pytest.fixture
def family() -> Iterator[tuple[int, list[int]]]:
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    # A child has its new name from exec on.
    while {part_of(each) for each in read_tree(process.pid)} != {None, "streams", "sinks"}:
        time.sleep(0.01)
    yield process.pid, pids
    process.communicate("")


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_held_parts_stand_still_and_go_on(family: tuple[int, list[int]]) -> None:
    pid, (streams, sinks) = family
    with Stack(Config(), pid).held(["streams"]):
        while _state(streams) != "T":
            time.sleep(0.01)
        assert _state(sinks) != "T"
    while _state(streams) == "T":
        time.sleep(0.01)
    assert read_process(streams) is not None


def test_a_stack_is_found_by_its_data_directory(tmp_path: Path) -> None:
    (tmp_path / "tracemill.yaml").write_text(yaml.safe_dump({"ingest": {"http_port": 14318}}))
    (tmp_path / "lock").write_text(f"{os.getpid()}\n")
    stack = attached(tmp_path)
    assert stack.pid == os.getpid()
    assert stack.endpoints == {"http": "http://127.0.0.1:14318", "grpc": "http://127.0.0.1:4317"}


def test_a_stack_that_does_not_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=str(tmp_path)):
        attached(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "tracemill.yaml").write_text("")
    (tmp_path / "lock").write_text(f"{gone.pid}\n")
    with pytest.raises(StackError):
        attached(tmp_path)
