"""How is a part kept from coming back, though a supervisor starts it again and again?"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loadtest.chaos.processes import LOOK_S, find, send


@contextmanager
def kept_away(target: str, note: Callable[[str], None]) -> Iterator[None]:
    """Stop a target's processes, and kill whichever begin until the end of the block."""
    stopped = [process for process in find(target) if send(process, signal.SIGTERM)]
    stop, struck = threading.Event(), {process.pid for process in stopped}

    def keep_away() -> None:
        while not stop.wait(LOOK_S):
            struck.update(
                process.pid for process in find(target) if process.pid not in struck and send(process, signal.SIGKILL)
            )

    keeper = threading.Thread(target=keep_away, name="keeper")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()
        note(f"kept from coming back {len(struck) - len(stopped)} times")
