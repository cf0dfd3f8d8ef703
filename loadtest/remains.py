"""What does a run leave behind? Nothing, unless it ended badly or is to be looked into."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Remains:
    """What a run leaves behind: nothing, unless it is `wanted` because the run ended badly."""

    directory: Path
    say: Callable[[str], None]
    wanted: bool = True

    def __enter__(self) -> Remains:
        return self

    def __exit__(self, *_: object) -> None:
        if self.wanted:
            self.say(f"everything is kept in {self.directory}: logs in data/logs, small disks in kept")
        else:
            shutil.rmtree(self.directory)

    @contextmanager
    def off(self, paths: Mapping[str, Path]) -> Iterator[None]:
        """At the end of the block save what is on small disks, if it is wanted: they are gone afterwards."""
        try:
            yield
        finally:
            for name, path in paths.items() if self.wanted else ():
                shutil.copytree(path, self.directory / "kept" / name, symlinks=True)
