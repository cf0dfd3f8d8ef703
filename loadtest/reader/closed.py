"""What is known of a trace that was closed, and of one that something may still come for?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtest.reader.facts import Fact, Judge


@dataclass(frozen=True)
class Closed:
    """A trace that was closed: with all `spans` that came so far, of which it had `known` when it was closed before.

    `records` and `first_at` are of those that are new, `opened_with` is the first record of all, and `ended_ns` is when
    the last of all ended. `judge` held then, `broken` says that some of it can't be decoded. `count` spans of
    `span_bytes` in `all_records` ever came; one that is `beyond` has become too large, and only what is its `own` in
    this closing is looked at.
    """

    key: bytes
    opened_at: int
    first_at: int
    at: int
    cause: int
    closed_by: str
    late: bool
    rooted: bool
    opened_with: int
    records: Sequence[int]
    spans: dict[bytes, Fact]
    known: int
    ended_ns: int
    judge: Judge
    broken: bool
    own: frozenset[bytes]
    count: int
    span_bytes: int
    all_records: int
    beyond: bool

    @property
    def ids(self) -> frozenset[bytes]:
        """Of all spans so far, or of those that are looked at."""
        return self.own if self.beyond else frozenset(self.spans)

    @property
    def fresh(self) -> frozenset[bytes]:
        """Ids of the spans that it didn't have before."""
        return frozenset(list(self.spans)[self.known :])


@dataclass
class OpenTrace:
    """A trace that something may still come for; `spans` are all so far, `own` and the rest are of what is new."""

    key: bytes
    opened_at: int
    first_at: int
    last_at: int
    before: Closed | None
    spans: dict[bytes, Fact]
    rooted: bool
    ended_ns: int = 0
    memory_bytes: int = 0
    span_bytes: int = 0
    count: int = 0
    broken: bool = False
    own: set[bytes] = field(default_factory=set)
    records: list[int] = field(default_factory=list)
