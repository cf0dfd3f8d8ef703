"""How is a target fuzzed? In a process of its own, by atheris: it ends at the first input that breaks the target.

    python -m tests.fuzz.engine NAME FOUND SCRATCH SECONDS SEED

`FOUND` is a folder for such an input, `SCRATCH` an empty one. libFuzzer, which atheris stands on, writes to standard
error and ends the process itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import atheris

from tests.fuzz.target import Target, kept, load

INPUT_S: Final = 60
"""An input that takes longer hangs: the slowest of them takes a hundredth of it."""
_MEMORY_MIB: Final = 4_096
_ANYWHERE: Final = 0.3
"""How often an input with a structure is changed anywhere."""


def fuzz(name: str, found: Path, scratch: Path, seconds: int, seed: int) -> None:
    """Doesn't return."""
    with atheris.instrument_imports(include=["tracemill"]):
        target = load(name)
    flags = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={target.largest_bytes}",
        f"-timeout={INPUT_S}",
        f"-rss_limit_mb={_MEMORY_MIB}",
        f"-artifact_prefix={found}/",
        "-keep_seed=1",
        *([f"-dict={_words(target, scratch)}"] if target.words else []),
        str(_seeds(name, target, scratch)),
    ]
    change = {"custom_mutator": _mutator(target)} if target.change else {}
    atheris.Setup([name, *flags], target.check, **change)
    atheris.Fuzz()


def _seeds(name: str, target: Target, scratch: Path) -> Path:
    folder = scratch / "seeds"
    folder.mkdir()
    inputs = [*target.seeds(), *(path.read_bytes() for path in kept(name))]
    for number, data in enumerate(one for one in inputs if len(one) <= target.largest_bytes):
        (folder / str(number)).write_bytes(data)
    return folder


def _words(target: Target, scratch: Path) -> Path:
    file = scratch / "words"
    file.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in target.words))
    return file


def _mutator(target: Target) -> Callable[[bytes, int, int], bytes]:
    change = target.change
    assert change

    def mutate(data: bytes, largest: int, seed: int) -> bytes:
        dice = Random(seed)

        def anywhere(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, max(len(part), 16) * 2))

        changed = anywhere(data) if dice.random() < _ANYWHERE else change(data, dice, anywhere)
        return changed[:largest]

    return mutate


if __name__ == "__main__":
    fuzz(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
