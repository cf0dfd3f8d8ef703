"""Two minutes of mutated inputs: nothing breaks. Longer: `make fuzz SECONDS=3600 SEED=7`.

`TRACEMILL_FUZZ_SECONDS` is for all targets together, besides the two or three seconds in which each begins.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.target import NAMES

ROOT = Path(__file__).parent.parent.parent
HERE = (sys.platform, platform.machine())
SECONDS = os.environ.get("TRACEMILL_FUZZ_SECONDS", "100")

pytestmark = pytest.mark.skipif(
    HERE != ("linux", "x86_64"), reason=f"atheris, the fuzzer, is for Linux on x86_64, not {HERE}"
)


def fuzz(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The fuzzer as one starts it; what it finds goes below `directory`."""
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *words],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(directory), str(ROOT)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_nothing_breaks(tmp_path: Path) -> None:
    done = fuzz(tmp_path, "--seconds", SECONDS)
    assert done.returncode == 0, done.stdout
    tried = dict(re.findall(r"^(\w+): (\d+) inputs tried, [1-9]\d* places reached, nothing broke$", done.stdout, re.M))
    assert set(tried) == set(NAMES), done.stdout
    assert min(map(int, tried.values())) > 0


def test_what_breaks_a_target_is_written_to_a_file_and_said(tmp_path: Path) -> None:
    """A target that an index of two bytes breaks, in the place of the real one."""
    (tmp_path / "sitecustomize.py").write_text(
        "import tracemill.bundles as bundles\n"
        "whole = bundles.read_index\n"
        "bundles.read_index = lambda index, size: [][0] if len(index) == 2 else whole(index, size)\n"
    )
    done = fuzz(tmp_path, "--seconds", "60", "--target", "index", "--seed", "3")
    assert done.returncode == 1
    assert "IndexError" in done.stdout
    again = re.search(r"Try it again: python -m tests\.fuzz (--target index --input (\S+))$", done.stdout, re.M)
    assert again, done.stdout
    assert len((tmp_path / again[2]).read_bytes()) == 2
    tried = fuzz(tmp_path, *again[1].split())
    assert tried.returncode == 1
    assert "IndexError" in tried.stdout
