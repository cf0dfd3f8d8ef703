"""Which spans of a request were refused, and what is the client told?"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from tracemill.errors import Reason


class Fault(NamedTuple):
    """Why a span is refused alone: the reason and the sentence."""

    reason: Reason
    text: str


BAD_TRACE_ID: Final = Fault(Reason.BAD_TRACE_ID, "trace_id must be 16 bytes and not all zero")
BAD_SPAN_ID: Final = Fault(Reason.BAD_SPAN_ID, "span_id must be 8 bytes and not all zero")
BAD_PARENT_ID: Final = Fault(Reason.BAD_SPAN_ID, "parent_span_id must be empty or 8 bytes")


@cache
def too_large(span_bytes: int) -> Fault:
    """The fault of a span above the limit."""
    return Fault(Reason.SPAN_TOO_LARGE, f"a span may be {span_bytes} bytes")


class Refusals:
    """Counts of refused spans by fault, each with where the first one stood."""

    def __init__(self) -> None:
        self._faults: dict[Fault, tuple[int, str]] = {}

    def add(self, fault: Fault, where: str) -> None:
        """Count a span that was refused."""
        count, first = self._faults.get(fault, (0, where))
        self._faults[fault] = (count + 1, first)

    @property
    def count(self) -> int:
        """Refused spans."""
        return sum(count for count, _ in self._faults.values())

    @property
    def by_reason(self) -> dict[Reason, int]:
        """Refused spans by reason."""
        counts: dict[Reason, int] = {}
        for fault, (count, _) in self._faults.items():
            counts[fault.reason] = counts.get(fault.reason, 0) + count
        return counts

    @property
    def text(self) -> str:
        """What the client is told, a sentence a fault (so at most four); empty where nothing was refused."""
        return "; ".join(
            f"{count} refused: {fault.text} (first: {where})" for fault, (count, where) in self._faults.items()
        )
