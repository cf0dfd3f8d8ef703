"""Bytes in flight never pass the limit, and every request gives back what it took."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.admission import Admission
from tracemill.errors import Busy, Reason


def admission(limit: int = 100) -> Admission:
    """An admission whose broker is there."""
    made = Admission(limit)
    made.away = None
    return made


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))))
def test_what_is_in_flight_is_within_the_limit_and_returns_to_nothing(requests: list[tuple[int, int, int]]) -> None:
    door = admission()
    inside = []
    for first, more, less in requests:
        try:
            reservation = door.enter(first)
        except Busy:
            assert door.in_flight_bytes + first > 100
            continue
        inside.append(reservation)
        try:
            reservation.grow(more)
        except Busy:
            assert door.in_flight_bytes + more > 100
        reservation.shrink_to(less)
        assert 0 <= door.in_flight_bytes <= 100
    for reservation in inside:
        with reservation:
            pass
    assert door.in_flight_bytes == 0


def test_a_full_house_is_busy_and_says_when_to_return() -> None:
    door = admission()
    with door.enter(60), pytest.raises(Busy, match="60 bytes are in flight of 100") as caught:
        door.enter(60)
    assert caught.value.reason is Reason.BUSY
    assert caught.value.retry_after_s > 0
    door.enter(60)


def test_nothing_is_let_in_while_the_broker_is_away() -> None:
    door = admission()
    door.away = "no Kafka broker can be reached"
    with pytest.raises(Busy, match="no Kafka broker can be reached: send again") as caught:
        door.enter(1)
    assert caught.value.reason is Reason.BROKER_AWAY
    assert door.in_flight_bytes == 0
