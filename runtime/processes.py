"""How does a process say which part it is to whoever lists processes?"""

from __future__ import annotations

from setproctitle import setproctitle


def carry_name(part: str) -> None:
    """Make `tracemill <part>` this process's command line, e.g. in `ps` and for `pgrep -f`."""
    setproctitle(f"tracemill {part}")
