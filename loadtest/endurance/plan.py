"""What is sent for how long, and into what?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LONGEST_WINDOW_S: Final = 600.0
WINDOWS: Final = 6
REQUEST_SPANS: Final = 400
SPANS_PER_TRACE: Final = 8
LATE_S: Final = 8.0
"""From a trace's root to its late span: long after the quiet period, so that the trace was decided before."""
RETAINED_BYTES_A_SPAN: Final = 5_120
"""Of all topics. Each gets a share of it, and the share of the traces' rows is the smallest for what they take; Kafka
compresses, so a disk needs far less."""
RETAINED_BYTES_AT_LEAST: Final = 1024**3


@dataclass(frozen=True, slots=True)
class Plan:
    """A run. `rate` in spans a second, `late_every` and `rootless_every` in traces, `rereads` numbers of workers."""

    seconds: float
    rate: float
    rules: Path | None
    late_every: int
    rootless_every: int
    seed: int
    rereads: tuple[int, ...] = ()

    @property
    def window_s(self) -> float:
        """Figures are told by windows of so much time, and memory is judged after the first."""
        return min(LONGEST_WINDOW_S, self.seconds / WINDOWS)

    @property
    def late_share(self) -> float:
        """Of all spans: a late trace has one late span."""
        return 1 / (self.late_every * SPANS_PER_TRACE) if self.late_every else 0.0

    @property
    def rootless_share(self) -> float:
        """Of all traces."""
        return 1 / self.rootless_every if self.rootless_every else 0.0

    @property
    def retained_bytes(self) -> int:
        """So that Kafka still has every record at the end."""
        return RETAINED_BYTES_AT_LEAST + int(self.seconds * self.rate * RETAINED_BYTES_A_SPAN)

    def options(self, generators: int) -> dict[str, Any]:
        """Of `loadtest.generate`, for each of so many."""
        requests_per_s = self.rate / generators / REQUEST_SPANS
        return {
            "request-spans": REQUEST_SPANS,
            "spans-per-trace": SPANS_PER_TRACE,
            "late-every": self.late_every,
            "late-after": math.ceil(LATE_S * requests_per_s),
            "rootless-every": self.rootless_every,
        }
