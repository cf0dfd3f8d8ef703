"""Where does a process keep files that nobody needs after it? In a directory that its successor removes if need be."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_ALIVE: Final = "alive"
"""A file that whoever made the directory has locked for as long as it lives; process ids are used again."""


@contextmanager
def scratch(part: str) -> Iterator[Path]:
    """A directory for a process of this part; first those go whose processes were killed."""
    prefix = f"tracemill-{part}-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        _remove_if_left(left)
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    with (directory / _ALIVE).open("w") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def _remove_if_left(directory: Path) -> None:
    """Nothing of another user's, and nothing that never was locked."""
    try:
        found = directory.lstat()
        if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
            return
        with (directory / _ALIVE).open("rb") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
    except OSError:  # it lives, or somebody else removes it just now
        return
