"""Real processes under the supervisor: they come back, stop in order, and never outlive it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.fixtures.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.crash

HEAD = "import os, signal, sys, time; from pathlib import Path; d = Path(sys.argv[1]);"
FOREVER = "time.sleep(600)"


def serves(name: str) -> dict:
    """A part that writes its pid, and its name into `stopped` when it is told to stop."""
    code = f"""{HEAD}
def stop(*_):
    with (d / "stopped").open("a") as file: file.write("{name} ")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
with (d / "started").open("a") as file: file.write("{name} ")
(d / "{name}.pid").write_text(str(os.getpid()))
{FOREVER}
"""
    return {"name": name, "code": code, "ready": f"{name}.pid"}


class Supervised:
    """A supervisor that runs, and the lines that it said."""

    def __init__(self, directory: Path, process: subprocess.Popen[str]) -> None:
        self.directory = directory
        self.process = process
        self.said: list[str] = []

    def until(self, text: str) -> str:
        """The next line that holds `text`."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if text in line:
                return line.rstrip()
        raise AssertionError(f"it ended without {text!r}:\n" + "\n".join(self.said))

    def rest(self) -> list[str]:
        assert self.process.stdout
        return self.process.stdout.read().splitlines()

    def read(self, name: str) -> str:
        return (self.directory / name).read_text().strip()

    def pid(self, name: str) -> int:
        return int(self.read(f"{name}.pid"))


@contextmanager
def supervised(directory: Path, *specs: dict, stop_s: float = 10 * PATIENCE_S) -> Iterator[Supervised]:
    (directory / "spec.json").write_text(json.dumps(specs))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fixtures.supervised", directory, str(stop_s), directory / "spec.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield Supervised(directory, process)
        finally:
            process.kill()


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_parts_start_in_order_and_stop_the_other_way_round(tmp_path):
    step = {"name": "step", "code": HEAD + "(d / 'started').open('a').write('step ')", "once": True, "after": ["log"]}
    parts = [serves("log"), step, serves("work") | {"after": ["step"]}, serves("edge") | {"after": ["work"]}]
    with supervised(tmp_path, *parts) as run:
        run.until("READY")
        assert run.read("started") == "log step work edge"
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(PATIENCE_S) == 0
        assert run.read("stopped") == "edge work log"
        assert not any("died" in line for line in run.rest())


def test_a_killed_part_comes_back_and_is_told_of(tmp_path):
    with supervised(tmp_path, serves("a")) as run:
        run.until("READY")
        first = run.pid("a")
        os.kill(first, signal.SIGKILL)
        assert run.until("a died") == "a died: signal SIGKILL; restarting in 0.5 s"
        eventually(lambda: run.pid("a") != first and alive(run.pid("a")))


def test_the_delay_grows_and_the_reason_is_shown(tmp_path):
    code = HEAD + "print('2026-01-01T00:00:00Z ERROR a no such thing'); print('last words'); sys.exit(3)"
    with supervised(tmp_path, {"name": "a", "code": code}, serves("b")) as run:
        delays = [run.until("a died") for _ in range(3)]
        assert delays == [f"a died: exit code 3; restarting in {delay} s" for delay in ("0.5", "1", "2")]
        assert "a | 2026-01-01T00:00:00Z ERROR a no such thing" in run.said
        assert "    last words" in run.said
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(PATIENCE_S) == 0
    assert run.read("logs/a.log").count("last words") >= 3


def test_a_step_that_fails_stops_everything_with_its_last_words(tmp_path):
    step = {"name": "step", "code": "print('no broker there'); raise SystemExit(2)", "once": True, "after": ["log"]}
    with supervised(tmp_path, serves("log"), step, serves("work") | {"after": ["step"]}) as run:
        assert run.process.wait(PATIENCE_S) == 1
        said = run.rest()
    assert said[-2:] == ["step failed: exit code 2", "    no broker there"]
    assert run.read("stopped") == "log"
    assert not (tmp_path / "work.pid").exists()


@pytest.mark.parametrize("hurry", [True, False])
def test_what_will_not_stop_is_killed_at_the_end_of_the_time_or_at_the_second_signal(tmp_path, hurry):
    code = (
        f"{HEAD} signal.signal(signal.SIGTERM, signal.SIG_IGN); (d / 'b.pid').write_text(str(os.getpid())); {FOREVER}"
    )
    stubborn = {"name": "b", "code": code, "ready": "b.pid"}
    with supervised(tmp_path, serves("a"), stubborn, serves("c"), stop_s=10 * PATIENCE_S if hurry else 4.0) as run:
        run.until("READY")
        run.process.send_signal(signal.SIGTERM)
        if hurry:
            run.until("stopping")
            run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(PATIENCE_S) == 0
        killed = {line.split()[0] for line in run.rest() if "didn't stop in time: killing it" in line}
        assert "b" in killed
        assert not alive(run.pid("b"))
        if not hurry:
            # Those that would stop were asked to, but a busy machine may not have let them in their second.
            assert killed | set(run.read("stopped").split()) == {"a", "b", "c"}


def test_a_stop_while_parts_are_starting_is_heeded(tmp_path):
    never = serves("a") | {"ready": "never"}
    with supervised(tmp_path, never, serves("b") | {"after": ["a"]}) as run:
        eventually((tmp_path / "a.pid").exists)
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(PATIENCE_S) == 0
        assert not (tmp_path / "b.pid").exists()


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path):
    forks = serves("forks")
    child = f"import subprocess; c = subprocess.Popen([sys.executable, '-c', 'import time; {FOREVER}']);"
    forks["code"] = f"{HEAD} {child} (d / 'child.pid').write_text(str(c.pid));\n{forks['code']}"
    with supervised(tmp_path, serves("a"), forks) as run:
        run.until("READY")
        pids = [run.pid("a"), run.pid("forks"), run.pid("child")]
        assert all(alive(pid) for pid in pids)
        run.process.kill()
        eventually(lambda: not any(alive(pid) for pid in pids))
        eventually(lambda: not _sentinels(tmp_path))


def _sentinels(directory: Path) -> list[int]:
    """Processes that still have a file of this run open."""
    held = []
    for process in psutil.process_iter():
        try:
            if any(str(directory) in argument for argument in process.cmdline()) and process.status() != "zombie":
                held.append(process.pid)
        except psutil.Error:
            continue
    return held


def test_what_a_dead_part_left_running_is_ended_before_it_comes_back(tmp_path):
    leaves = f"{HEAD} import subprocess; c = subprocess.Popen([sys.executable, '-c', 'import time; {FOREVER}']);"
    code = f"{leaves} (d / 'left').open('a').write(f'{{c.pid}} '); time.sleep(0.2); sys.exit(1)"
    with supervised(tmp_path, {"name": "a", "code": code}) as run:
        run.until("a died")
        left = int(run.read("left").split()[0])
        eventually(lambda: not alive(left))
