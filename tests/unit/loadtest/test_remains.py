"""What a run leaves is gone when it ended well, and kept when it didn't."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.remains import Remains


def _left(tmp_path: Path) -> tuple[Path, Path]:
    directory, disk = tmp_path / "run", tmp_path / "disk"
    for each in (directory, disk):
        each.mkdir()
        (each / "file").write_text("x")
    return directory, disk


def test_nothing_is_left_unless_it_is_wanted(tmp_path: Path) -> None:
    directory, disk = _left(tmp_path)
    said: list[str] = []
    with Remains(directory, said.append) as remains, remains.off({"store": disk}):
        remains.wanted = False
    assert not directory.exists()
    assert said == []


def test_what_ends_badly_is_kept_and_said(tmp_path: Path) -> None:
    directory, disk = _left(tmp_path)
    said: list[str] = []
    remains = Remains(directory, said.append)
    with pytest.raises(RuntimeError), remains, remains.off({"store": disk}):
        raise RuntimeError
    assert (directory / "file").exists()
    assert (directory / "kept" / "store" / "file").read_text() == "x"
    assert str(directory) in said[0]
