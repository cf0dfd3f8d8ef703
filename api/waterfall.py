"""Where on the time axis of its trace does each span lie?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.tree import Placed, arrange
from tracemill.expressions.kinds import read_time

TICKS: Final = 4
_MS_NS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Bar:
    """A span in its tree: where it begins and how long it is, in per cent of the whole and in milliseconds."""

    number: int
    span: Mapping[str, Any]
    depth: int
    orphan: bool
    left: float
    width: float
    offset_ms: float
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """All bars from the top down, the length of the axis, and the marks on it (per cent, milliseconds)."""

    bars: tuple[Bar, ...]
    total_ms: float

    @property
    def ticks(self) -> tuple[tuple[float, float], ...]:
        """Marks at equal distances, the ends included."""
        return tuple((100 * step / TICKS, self.total_ms * step / TICKS) for step in range(TICKS + 1))


def draw(spans: Sequence[Mapping[str, Any]]) -> Waterfall:
    """The waterfall of a trace's spans (in the order of their start)."""
    starts = [read_time(span["started_at"]) or 0 for span in spans]
    ends = [start + span["duration_ns"] for start, span in zip(starts, spans, strict=True)]
    first = min(starts, default=0)
    total = max(max(ends, default=0) - first, 1)
    bars = tuple(_bar(number, place, first, total) for number, place in enumerate(arrange(spans)))
    return Waterfall(bars, total / _MS_NS)


def _bar(number: int, place: Placed, first: int, total: int) -> Bar:
    offset = (read_time(place.span["started_at"]) or 0) - first
    length = place.span["duration_ns"]
    return Bar(
        number=number,
        span=place.span,
        depth=place.depth,
        orphan=place.orphan,
        left=100 * offset / total,
        width=100 * length / total,
        offset_ms=offset / _MS_NS,
        duration_ms=length / _MS_NS,
    )
