"""Who owns a directory? One process at a time, until it ends in whatever way."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from embedded.refusals import InUse


class Lock:
    """A lock on a directory; the file in it holds the owner's process id."""

    def __init__(self, directory: Path, what: str) -> None:
        """Take it.

        Raises:
            InUse: another process has it.
            OSError: the directory can't be made or written.
        """
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "lock"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise InUse(f"{directory} is in use by {what} with pid {owner}: stop that one, or choose another") from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give it back."""
        os.close(self._file)
