"""The fuzzer's command line: each target for its share of the time, in a process of its own."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.fuzz.target import NAMES, load

FOUND: Final = Path(".build/fuzz")
_LINES: Final = 60
_RUNS: Final = re.compile(r"^Done (\d+) runs", re.MULTILINE)
_PLACES: Final = re.compile(r" cov: (\d+) ")


def main(words: Sequence[str]) -> int:
    """The exit code: 1 where an input broke a target."""
    asked = _arguments().parse_args(words)
    if asked.input:
        load(asked.target).check(asked.input.read_bytes())
        print(f"{asked.target}: {asked.input} is taken as it should be")
        return 0
    names = [asked.target] if asked.target else list(NAMES)
    each_s = max(1, round(asked.seconds / len(names)))
    return max([_fuzz(name, each_s, asked.seed) for name in names])


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Look for inputs that break something.")
    parser.add_argument("--seconds", type=int, default=120, help="for all targets together (120)")
    parser.add_argument("--target", choices=NAMES, help="only this one")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (1)")
    parser.add_argument("--input", type=Path, help="try this file once, with --target; needs no fuzzer")
    return parser


def _fuzz(name: str, seconds: int, seed: int) -> int:
    found = FOUND / name
    found.mkdir(parents=True, exist_ok=True)
    known = set(found.iterdir())
    with TemporaryDirectory() as scratch:
        log = found / "log"
        with log.open("wb") as output:
            engine = [sys.executable, "-m", "tests.fuzz.engine", name, str(found), scratch, str(seconds), str(seed)]
            code = subprocess.run(engine, stdout=output, stderr=output, check=False).returncode
    lines = log.read_text(errors="replace").splitlines()
    if code == 0:
        print(f"{name}: {_summary(lines)}", flush=True)
        return 0
    print("\n".join([line for line in lines if not line.startswith(("#", "INFO: Instrumenting"))][-_LINES:]))
    print(_what_to_do(name, sorted(set(found.iterdir()) - known - {log})), flush=True)
    return 1


def _summary(lines: Sequence[str]) -> str:
    """How many inputs were tried, and how many places in the code they reached."""
    log = "\n".join(lines)
    runs, places = _RUNS.findall(log), _PLACES.findall(log)
    return f"{runs[-1] if runs else 0} inputs tried, {places[-1] if places else 0} places reached, nothing broke"


def _what_to_do(name: str, found: Sequence[Path]) -> str:
    if not found:
        return f"{name}: the fuzzer ended by itself; its log is {FOUND / name / 'log'}"
    return (
        f"{name}: an input breaks it: {found[0]}\n"
        f"Try it again: python -m tests.fuzz --target {name} --input {found[0]}\n"
        f"Once its cause is mended, keep it: tests/fuzz/corpus/{name}/<what it is>"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
