"""How does a process die with the one that started it? This runs first in it, and then becomes the program.

On Linux the kernel sends SIGKILL when the parent is gone, however it went, also when it was killed. The signal comes
when the *thread* that started the process ends, so whoever starts one does it from a thread that lives as long as it
does: the main thread. Elsewhere `embedded.sentinel` alone ends what is left. Run by path, isolated, without the site
packages: it costs 15 ms.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def argv(program: str, name: str, arguments: tuple[str, ...]) -> list[str]:
    """The command line that runs `program` guarded, called `name` in the process list."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), program, name, *arguments]


def main() -> None:
    """Become the program, unless the parent is gone already."""
    parent, program, name, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("the process that started this one is gone")
    os.execv(program, [name, *arguments])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
