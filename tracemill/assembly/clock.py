"""What time is it in a partition? Its own time, made of its records' append times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class LogClock:
    """The sum of the forward steps of successive append times, in milliseconds.

    A broker's clock that steps back, or a leader whose clock is behind, can't turn it back or stop it. It starts at
    the first append time that it sees, so that it reads like one while nothing odd happens.
    """

    now_ms: int | None = None
    append_ms: int = 0

    def advance(self, append_ms: int) -> int:
        """Take the append time of the next record; the log time that it has."""
        if self.now_ms is None:
            self.now_ms = append_ms
        else:
            self.now_ms += max(0, append_ms - self.append_ms)
        self.append_ms = append_ms
        return self.now_ms
