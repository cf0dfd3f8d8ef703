"""What must be true of a partition after every step, whatever happened to its workers?"""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtest.reader.assembly import Reader
from tests.simulation.topics import Topics
from tracemill.assembly import blocks


@dataclass
class Promises:
    """Holds them against what an independent reader tells.

    `decided` are the closings of which `decisions.v1` tells, by key and last record, with their causes; `listed` the
    records of which it does, by key and offset. The commit `may_fall` once where decisions are made again.
    """

    topics: Topics
    reader: Reader
    committed: int = 0
    may_fall: bool = False
    decided: dict[tuple[bytes, int], int] = field(default_factory=dict)
    listed: set[tuple[bytes, int]] = field(default_factory=set)
    _read: int = 0
    _checked: int = 0

    def check(self) -> None:
        """The commit never falls; what lies below it is decided, or listed where its trace is still open."""
        commit = self.topics.group.committed or 0
        fell = commit < self.committed
        assert not fell or self.may_fall, f"the commit fell from {self.committed} to {commit}"
        self.may_fall = self.may_fall and not fell
        self.committed = commit
        self._take_blocks()
        decided = self.reader.decided
        while self._checked < len(decided) and decided[self._checked].closed.cause < commit:
            one = decided[self._checked].closed
            assert (one.key, one.records[-1]) in self.decided, f"{one.key!r} closed by {one.cause} is nowhere"
            self._checked += 1
        for one in (*(one.closed for one in decided[self._checked :]), *self.reader.open):
            for offset in one.records:
                assert offset >= commit or (one.key, offset) in self.listed, f"{one.key!r} at {offset} is not listed"

    def _take_blocks(self) -> None:
        for _, value in self.topics.decisions[self._read :]:
            for row in blocks.read(value).rows.to_pylist():
                key = row["trace_id"] + row["tenant"].encode()
                if row["row"] == blocks.DECIDED:
                    self.decided[key, row["records"][-1]] = row["cause"]
                self.listed |= {(key, offset) for offset in row["records"]}
        self._read = len(self.topics.decisions)
