"""Which records does a rebuild read, and does the log still have them all?

A trace that was decided again, for spans that came late, has its first spans in an earlier record. So what was written
in the memory horizon before the time that was asked for is read too: late spans change no older trace. What has
expired is left out: it would be stored only to be removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sinks.reach import Reach, TopicOffsets
from sinks.slices import Slice
from tracemill import topics
from tracemill.config import Config

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read, `from_ms` on, for the rows of everything decided since `asked_ms`; None: ever."""

    reaches: Sequence[Reach]
    slices: Sequence[Slice]
    asked_ms: int | None
    from_ms: int
    unexpired_ms: int

    @property
    def whole_from_ms(self) -> float:
        """From when on no record is missing in any topic."""
        return max(reach.whole_from_ms for reach in self.reaches)

    @property
    def short(self) -> bool:
        """Whether the log no longer has all that was asked for."""
        return self.asked_ms is not None and self.whole_from_ms > max(self.asked_ms, self.unexpired_ms)

    @property
    def records(self) -> int:
        """How many records are read."""
        return sum(map(len, self.slices))


def plan(config: Config, asked_ms: int | None, until_ms: int | None, now_ms: int) -> Plan:
    """Look at the topics as they are now.

    Args:
        asked_ms: rows of records written then or later; None: all there are.
        until_ms: and before; None: to the ends as they are now.

    Raises:
        ConfigError: a topic doesn't exist.
        TimeoutError, KafkaException: the broker doesn't answer.
    """
    unexpired_ms = unexpired_from_ms(now_ms, config.sinks.retention_days)
    from_ms = max(0 if asked_ms is None else asked_ms - config.assembly.memory_horizon_ms, unexpired_ms)
    reaches, slices = [], []
    for topic in topics.STORED:
        offsets = TopicOffsets(config.kafka, topic.name(config.kafka.namespace))
        reach = offsets.reach()
        reaches.append(reach)
        slices += _slices(reach, offsets.at(from_ms), offsets.at(until_ms) if until_ms is not None else None)
    return Plan(reaches, slices, asked_ms, from_ms, unexpired_ms)


def unexpired_from_ms(now_ms: int, retention_days: int) -> int:
    """The first moment of which the rows haven't expired: rows go with their day, in UTC."""
    return max(0, (now_ms // DAY_MS - retention_days + 1) * DAY_MS)


def _slices(reach: Reach, starts: dict[int, int], ends: dict[int, int] | None) -> list[Slice]:
    """From the first record in time to the last; what is appended from now on is the sinks' work."""
    slices = []
    for number, extent in reach.extents.items():
        end = extent.end if ends is None else min(ends[number], extent.end)
        start = min(max(starts[number], extent.first), end)
        slices.append(Slice(reach.topic, number, start, end))
    return slices
