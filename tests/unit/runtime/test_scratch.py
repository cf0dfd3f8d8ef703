"""A process that was killed leaves its directory to its successor; nobody else's is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.scratch import scratch

WAITS = """
import sys
from runtime.scratch import scratch
with scratch("part") as directory:
    (directory / "file").write_text("of use to nobody else")
    print(directory, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def running() -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def test_it_goes_with_its_process() -> None:
    with scratch("part") as directory:
        (directory / "file").touch()
    assert not directory.exists()


def test_what_a_killed_process_left_goes_when_the_next_one_begins_and_not_before() -> None:
    process, directory = running()
    with process, scratch("part"):
        assert (directory / "file").exists()
        process.kill()
    assert (directory / "file").exists()
    with scratch("another"):
        assert directory.exists()
    with scratch("part") as mine:
        assert not directory.exists()
        assert mine.exists()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "alive").touch()
    (tmp_path / "tracemill-part-link").symlink_to(precious)
    (tmp_path / "tracemill-part-file").touch()
    (tmp_path / "tracemill-part-new").mkdir()
    with scratch("part"):
        pass
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"precious", "tracemill-part-link", "tracemill-part-file", "tracemill-part-new"}
    assert (precious / "alive").exists()
