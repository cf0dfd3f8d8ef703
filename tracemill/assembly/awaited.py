"""Which traces are to be kept of which no span has come yet? Promotions that wait a while for their traces.

Who gives feedback is often faster than the SDK that batches the spans. The record of such a promotion isn't one of its
trace: it only holds, until its trace holds instead, or its time is over.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from tracemill.assembly.holds import Holds
from tracemill.assembly.trace import Anchor, Hold, OpenTrace

MOST: Final = 10_000
"""The oldest gives way."""


class _Promotion(NamedTuple):
    at: int
    why: str
    hold: Hold


class Awaited:
    """Promotions by the key of the trace that isn't there, for `wait_ms` of log time each."""

    def __init__(self, wait_ms: int, holds: Holds) -> None:
        self._wait_ms = wait_ms
        self._holds = holds
        self._promotions: OrderedDict[bytes, _Promotion] = OrderedDict()

    def __len__(self) -> int:
        return len(self._promotions)

    def add(self, key: bytes, why: str, anchor: Anchor, now: int) -> None:
        """The record behind `anchor` promotes a trace that nobody has heard of; the first such record stands."""
        if key in self._promotions:
            return
        if len(self._promotions) >= MOST:
            self._drop_oldest()
        self._promotions[key] = _Promotion(now, why, self._holds.hold(anchor))

    def meet(self, trace: OpenTrace, now: int) -> None:
        """`trace` has just begun: it is promoted if that was asked for, and holds what its promotion held."""
        promotion = self._promotions.pop(trace.key, None)
        if promotion is not None:
            trace.promoted = promotion.why
            self._holds.take_over(trace, promotion.hold, now)

    def end(self, now: int) -> None:
        """Those whose trace hasn't come by the log time `now` wait no longer."""
        while self._promotions and self.next_due() <= now:
            self._drop_oldest()

    def next_due(self) -> int:
        """When the first waits no longer, in log time; there is one."""
        return next(iter(self._promotions.values())).at + self._wait_ms

    def _drop_oldest(self) -> None:
        self._promotions.popitem(last=False)[1].hold.released = True
