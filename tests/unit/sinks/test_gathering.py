"""However large records are, no more is read than there is room for, and small ones are read many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sinks.gathering import RECORDS, gather
from tracemill import topics


class Log:
    """A consumer of records that are only their sizes, and a buffer that takes them."""

    def __init__(self, sizes: Sequence[int], limit_bytes: int) -> None:
        self._left = list(sizes)
        self._limit_bytes = limit_bytes
        self.taken: list[int] = []
        self.calls = 0

    def poll(self, timeout: float) -> Any:
        return self._left.pop(0) if self._left else None

    def consume(self, count: int, timeout: float) -> list[Any]:
        self.calls += 1
        found, self._left = self._left[:count], self._left[count:]
        return found

    def gather(self) -> None:
        gather(self, 0.0, lambda: self._limit_bytes - sum(self.taken), self.taken.append)


@given(
    st.lists(st.integers(1, topics.RECORD_BYTES), max_size=120),
    st.integers(1, 40 * topics.RECORD_BYTES),
)
def test_at_most_the_last_record_is_more_than_there_is_room_for(sizes: list[int], limit_bytes: int) -> None:
    log = Log(sizes, limit_bytes)
    log.gather()
    assert sum(log.taken[:-1]) < limit_bytes
    assert log.taken == sizes[: len(log.taken)]
    assert len(log.taken) == min(len(sizes), RECORDS + 1) or sum(log.taken) >= limit_bytes


def test_small_records_are_read_many_at_a_time() -> None:
    log = Log([600] * 200, 64 * 1024 * 1024)
    log.gather()
    assert (len(log.taken), log.calls) == (RECORDS + 1, 4)


def test_nothing_more_is_waited_for_than_there_is() -> None:
    log = Log([600] * 3, 64 * 1024 * 1024)
    log.gather()
    assert (log.taken, log.calls) == ([600] * 3, 1)
    Log([], 1).gather()
