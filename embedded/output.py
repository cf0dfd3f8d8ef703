"""What becomes of what a part prints? It goes to a file that can't grow without bound; warnings are shown as well."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

FILE_BYTES: Final = 8 * 1024**2
"""A log file is put aside at this size; the one put aside before is dropped."""
LINE_BYTES: Final = 64 * 1024
LAST_LINES: Final = 12

_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_SAME: Final = {"WARN": "WARNING", "FATAL": "CRITICAL"}
_LEVEL: Final = re.compile(r"\S+ (DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL) ")

Say = Callable[[str], None]


class Output:
    """The output of one part, over all its restarts."""

    def __init__(self, path: Path, name: str, echo: str, say: Say) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._name = name
        self._shown = frozenset(_LEVELS[_LEVELS.index(echo) :])
        self._say = say
        self._rest = b""
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._set_aside()
        self._file = path.open("ab")

    def write(self, data: bytes) -> None:
        """Take what was read from the part; whole lines are passed on, a line without an end is cut."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_BYTES:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._line(line)
        self._file.flush()

    def ended(self) -> list[str]:
        """The process ended: its last lines, the unfinished one included."""
        if self._rest:
            self.write(b"\n")
        last = list(self._last)
        self._last.clear()
        return last

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _line(self, line: bytes) -> None:
        self._file.write(line + b"\n")
        if self._file.tell() > FILE_BYTES:
            self._file.close()
            self._set_aside()
            self._file = self._path.open("ab")
        text = line.decode(errors="replace").rstrip()
        self._last.append(text)
        found = _LEVEL.match(text)
        if found and _SAME.get(found[1], found[1]) in self._shown:
            self._say(f"{self._name} | {text}")

    def _set_aside(self) -> None:
        if self._path.exists():
            self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
