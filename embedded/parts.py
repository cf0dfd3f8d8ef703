"""What does a supervisor need to know of a process that it runs?"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

Check = Callable[[], str | None]
"""Why a part isn't ready (a sentence), or None when it is. It may block for a few seconds; it runs in a thread."""

PROBE_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """A process: what to run, after which others are ready, and how one knows that it is ready itself.

    A `once` part is a step: it runs to its end, and is ready when it ended with 0. `echo` is the level from which on
    its lines are also shown in the foreground.
    """

    name: str
    program: str
    arguments: tuple[str, ...]
    after: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Check = lambda: None
    once: bool = False
    echo: str = "WARNING"


def http_ready(url: str) -> Check:
    """A part that answers GET with 200 when it is ready, else with the reason."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def check() -> str | None:
        try:
            with opener.open(url, timeout=PROBE_TIMEOUT_S):
                return None
        except urllib.error.HTTPError as error:
            return error.read(500).decode(errors="replace").strip() or str(error)
        except OSError as error:
            return f"{url} doesn't answer: {getattr(error, 'reason', error)}"

    return check
