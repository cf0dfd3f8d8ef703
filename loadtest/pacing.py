"""When may the next request be sent, so that a load has a steady rate?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CATCH_UP_S: Final = 1.0
"""A load that fell further behind than this gives the difference up rather than send a burst."""


@dataclass(slots=True)
class Pacer:
    """A schedule against the start, so that one late request doesn't make all later ones late.

    `rate` in spans a second, 0 for no limit; `began_s` on the same clock as the arguments of `wait_s`.
    """

    rate: float
    began_s: float

    def wait_s(self, spans_sent: int, now_s: float) -> float:
        """Seconds to wait before the next request, after so many spans; 0 or less: send now."""
        if self.rate <= 0:
            return 0.0
        due_s = self.began_s + spans_sent / self.rate
        behind_s = now_s - due_s
        if behind_s > CATCH_UP_S:
            self.began_s += behind_s - CATCH_UP_S
        return -behind_s


FIRST_BACKOFF_S: Final = 0.1
LONGEST_BACKOFF_S: Final = 2.0


def backoff_s(attempt: int, asked_s: float | None) -> float:
    """Seconds to wait before attempt number `attempt` + 1: what the other side asked for, else 0.1 doubling to 2."""
    if asked_s is not None:
        return asked_s
    return float(min(FIRST_BACKOFF_S * 2.0 ** min(attempt - 1, 10), LONGEST_BACKOFF_S))
