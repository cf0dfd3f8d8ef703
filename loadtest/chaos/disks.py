"""How does a disk become full, and free again? A small file system in memory, and a file that takes what is left."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SMALLEST_BYTES: Final = 512 * 1024**2
BYTES_A_SPAN: Final = 2_500
"""What a span takes of a disk in all, at the most: Kafka keeps it two to three times, and the store merges."""
_FILLER: Final = "filler"
_STEP_BYTES: Final = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system of its own at `path`."""

    path: Path

    def fill(self) -> None:
        """Take whatever is free; call it again, because others may free something."""
        with (self.path / _FILLER).open("ab") as filler:
            step = _STEP_BYTES
            while step >= os.statvfs(self.path).f_bsize:
                try:
                    os.posix_fallocate(filler.fileno(), filler.seek(0, os.SEEK_END), step)
                except OSError:
                    step //= 2

    def free(self) -> None:
        """Give it back."""
        (self.path / _FILLER).unlink(missing_ok=True)


@contextmanager
def mounted(paths: Mapping[str, Path], spans: int) -> Iterator[tuple[Mapping[str, Disk], str]]:
    """Small disks at some paths, by name, large enough for so many spans; or none, and why not.

    They are removed at the end of the block, when nobody uses them any longer.
    """
    size = SMALLEST_BYTES + spans * BYTES_A_SPAN
    with ExitStack() as stack:
        disks = {}
        for name, path in paths.items():
            path.mkdir(parents=True)
            mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tracemill-chaos", str(path)]
            try:
                subprocess.run(mount, check=True, capture_output=True, text=True)
            except (OSError, subprocess.CalledProcessError) as error:
                yield {}, f"no disk can be mounted: {getattr(error, 'stderr', '') or error}".strip()
                return
            stack.callback(subprocess.run, ["umount", "--lazy", str(path)], check=True, capture_output=True)
            disks[name] = Disk(path)
        yield disks, ""
