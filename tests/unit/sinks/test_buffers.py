"""When is an insert due, and which records are in it?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.dead_letters import Record
from sinks.buffers import LOAD_ROWS, SETTLE_MS, Buffer, Pace
from sinks.records import Piece

PACE = Pace(insert_rows=10_000, insert_bytes=1_000_000, linger_ms=250, load_linger_ms=1_000)


def piece(offset: int = 0, rows: int = 8, size: int = 100, partition: int = 0) -> Piece:
    return Piece(Record("spans", partition, offset, 0, (), bytes(size)), rows, b"", memoryview(b""))


def filled(*pieces: Piece, at_ms: float = 0) -> Buffer:
    buffer = Buffer(PACE)
    for each in pieces:
        buffer.add(each, at_ms)
    return buffer


def test_nothing_is_due_without_records() -> None:
    assert not filled().due(1e12)


def test_a_lone_record_is_due_as_soon_as_its_flush_has_settled() -> None:
    buffer = filled(piece(), at_ms=5_000)
    assert not buffer.due(5_000 + SETTLE_MS - 1)
    assert buffer.due(5_000 + SETTLE_MS)


def test_a_trickle_is_inserted_no_oftener_than_the_linger_says() -> None:
    buffer = filled(piece())
    buffer.take(1_000)
    buffer.add(piece(), 1_001)
    assert not buffer.due(1_000 + PACE.linger_ms - 1)
    assert buffer.due(1_000 + PACE.linger_ms)


def test_load_waits_for_more() -> None:
    buffer = filled(piece(rows=LOAD_ROWS))
    assert not buffer.due(PACE.load_linger_ms - 1)
    assert buffer.due(PACE.load_linger_ms)


def test_the_first_record_after_a_loaded_block_waits_too() -> None:
    buffer = filled(piece(rows=LOAD_ROWS))
    buffer.take(0)
    buffer.add(piece(), 10)
    assert not buffer.due(10 + PACE.linger_ms)
    assert buffer.due(10 + PACE.load_linger_ms)


def test_a_record_long_after_a_loaded_block_does_not_wait_for_more() -> None:
    buffer = filled(piece(rows=LOAD_ROWS))
    buffer.take(0)
    buffer.add(piece(), 5_000)
    assert buffer.due(5_000 + SETTLE_MS)


def test_a_block_that_is_full_waits_for_nothing() -> None:
    assert filled(piece(rows=PACE.insert_rows)).due(0)
    assert filled(piece(size=PACE.insert_bytes)).due(0)


def test_what_is_left_after_a_full_block_is_due_when_it_is_full_itself() -> None:
    buffer = filled(*(piece(offset, rows=6_000) for offset in range(4)))
    assert [each.record.offset for each in buffer.take(0)] == [0, 1]
    assert buffer.due(0)


def test_records_of_lost_partitions_are_forgotten() -> None:
    buffer = filled(piece(0, partition=1), piece(1, partition=2), piece(2, partition=1))
    buffer.drop([1])
    assert (buffer.rows, buffer.size) == (8, 100)
    assert [each.record.offset for each in buffer.take(0)] == [1]


@given(st.lists(st.tuples(st.integers(0, 12_000), st.integers(0, 700_000)), max_size=30))
def test_every_record_is_taken_once_in_order_and_no_block_holds_more_than_it_must(sizes: list[tuple[int, int]]) -> None:
    buffer = filled(*(piece(offset, rows, size) for offset, (rows, size) in enumerate(sizes)))
    assert buffer.rows == sum(rows for rows, _ in sizes)
    taken: list[int] = []
    while buffer:
        block = buffer.take(0)
        taken += [each.record.offset for each in block]
        assert sum(each.rows for each in block[:-1]) < PACE.insert_rows
        assert sum(len(each.record.value) for each in block[:-1]) < PACE.insert_bytes
    assert taken == list(range(len(sizes)))
    assert (buffer.rows, buffer.size) == (0, 0)
