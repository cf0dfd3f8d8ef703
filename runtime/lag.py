"""How long has the oldest record been waiting that a reader hasn't read? Known without asking Kafka for the record.

Whatever was appended before some moment has been read: before the last record that was read, or before Kafka last said
that nothing lies beyond it. So where something waits, it has waited since then at most.
"""

from __future__ import annotations

from typing import Final

FRESH_MS: Final = 5_000
"""Kafka is asked for more several times a second; an answer that is older says nothing of now."""


def lag_s(behind: int, through_ms: float, told_ms: float, now_ms: float) -> float:
    """The age of the oldest unread record in seconds, at most; 0 where everything is read.

    Args:
        behind: records that are known to be unread.
        through_ms: nothing is unread that was appended before.
        told_ms: when Kafka last said where the partition ends; where that was long ago, nobody knows better.
        now_ms: all three are milliseconds since the epoch.
    """
    if not behind and now_ms - told_ms <= FRESH_MS:
        return 0.0
    return max(0.0, now_ms - (through_ms if behind else told_ms)) / 1000
