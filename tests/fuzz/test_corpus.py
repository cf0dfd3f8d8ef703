"""What once broke something is taken as it should be now, and so is everything that the fuzzer begins with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.target import CORPUS, NAMES, kept, load

KEPT = [(name, path) for name in NAMES for path in kept(name)]


@pytest.mark.parametrize(("name", "path"), KEPT, ids=[f"{name}/{path.name}" for name, path in KEPT])
def test_an_input_that_broke_it_once_breaks_it_no_longer(name: str, path: Path) -> None:
    load(name).check(path.read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_what_the_fuzzer_begins_with_is_fine(name: str) -> None:
    seeds = list(load(name).seeds())
    assert seeds
    for seed in seeds:
        load(name).check(seed)


def test_every_kept_input_belongs_to_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= set(NAMES)


def test_an_input_is_tried_again_by_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "input"
    file.write_bytes(b"\x01")
    assert main(["--target", "index", "--input", str(file)]) == 0
    assert "is taken as it should be" in capsys.readouterr().out
