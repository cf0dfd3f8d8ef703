"""Which records of the log are meant, and which of them can't be had?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Key = tuple[str, int]
"""A topic and a partition of it."""

GONE: Final = "no longer in the log"
DAMAGED: Final = "damaged in the log"


@dataclass(frozen=True, slots=True)
class Slice:
    """Records of a partition, from the offset `start` to before `end`."""

    topic: str
    partition: int
    start: int
    end: int

    @property
    def key(self) -> Key:
        """The partition among those of all topics."""
        return self.topic, self.partition

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Loss:
    """Records, `count` of them from the offset `first` on, that the log doesn't give, and why (GONE or DAMAGED)."""

    key: Key
    first: int
    count: int
    why: str
