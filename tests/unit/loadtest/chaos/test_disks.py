"""A small disk fills up and is free again; where none may be mounted, it is said why."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from loadtest.chaos import disks
from loadtest.chaos.disks import mounted


def test_a_full_disk_takes_nothing_until_it_is_freed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "SMALLEST_BYTES", 1024**2)
    with mounted({"store": tmp_path / "store"}, 0) as (made, skipped):
        if skipped:
            pytest.skip(skipped)
        disk = made["store"]
        before = disk.path / "before"
        before.write_bytes(b"x" * 100_000)
        disk.fill()
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            (disk.path / "more").write_bytes(b"x" * 5_000)
        before.unlink()
        disk.fill()
        assert os.statvfs(disk.path).f_bavail == 0
        disk.free()
        (disk.path / "more").write_bytes(b"x" * 500_000)
    assert not (tmp_path / "store" / "more").exists()


def test_why_no_disk_can_be_mounted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with mounted({"store": tmp_path / "store"}, 0) as (made, skipped):
        assert made == {}
        assert skipped.startswith("no disk can be mounted: ")
