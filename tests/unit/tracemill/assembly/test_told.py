"""Which blocks a worker goes by, and where it begins, when some of them can't be read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pytest

from tests.builders.decisions import row
from tracemill.assembly import blocks
from tracemill.assembly.told import Told, recall
from tracemill.assembly.trace import Anchor
from tracemill.sampling.steering import Steering

BAD = b"no block"
ORDERED = Steering("ordered")


def at(offset: int, *traces: int, more: bool = False) -> bytes:
    """A block that says that reading can begin again there, and what was decided about some traces."""
    table = pa.Table.from_pylist([row(trace) for trace in traces], schema=blocks.SCHEMA)
    return blocks.write(table, anchor(offset), more)


def anchor(offset: int) -> Anchor:
    return Anchor(offset, offset * 10, offset * 10)


def told_by(values: Sequence[bytes], first: int = 0) -> Told:
    told = Told()
    for offset, value in enumerate(values, first):
        with suppress(ValueError):
            told.take(offset, value)
    return told


def gone_by(told: Told) -> list[int]:
    return [trace_id[1] for block in told.blocks for trace_id in block.rows.column("trace_id").to_pylist()]


MARK = blocks.takeover(anchor(4), again=2)
FLUSHES = [at(2, 1), at(4, 2), at(7, 3), at(9, 4)]


@pytest.mark.parametrize(
    ("values", "committed", "start", "traces", "again"),
    [
        (FLUSHES, 9, 9, [1, 2, 3, 4], None),
        (FLUSHES, 7, 7, [1, 2, 3, 4], None),
        ([*FLUSHES[:2], BAD, FLUSHES[3]], 9, 4, [1, 2], 2),
        ([*FLUSHES[:2], BAD], 4, 4, [1, 2], 2),
        ([*FLUSHES[:3], BAD], 4, 4, [1, 2, 3], 3),
        ([*FLUSHES[:2], at(7, 3, more=True), BAD, at(7)], 7, 4, [1, 2, 3], 3),
        ([BAD, *FLUSHES], 9, 0, [], 0),
        ([*FLUSHES[:2], BAD, FLUSHES[3], MARK], 9, 4, [1, 2], None),
        ([*FLUSHES[:2], BAD, FLUSHES[3], MARK, at(6, 3)], 9, 6, [1, 2, 3], None),
        ([*FLUSHES[:2], BAD, FLUSHES[3], MARK, at(6, 3), at(9, 4)], 9, 9, [1, 2, 3, 4], None),
        ([*FLUSHES[:2], BAD, FLUSHES[3], MARK, at(6, 3), BAD, at(9, 4)], 9, 6, [1, 2, 3], 6),
        ([FLUSHES[0], BAD, BAD, FLUSHES[3], MARK, at(6, 3)], 6, 2, [1], 1),
    ],
    ids=[
        "all can be read",
        "the last flush wasn't committed",
        "all since the one before is decided again",
        "the last one is bad",
        "it begins at the commit where that lies before",
        "a flush of which a part is bad is none to begin after",
        "nothing before it, but the log is whole",
        "a successor that comes at once begins there too",
        "a successor goes by what is told since the mark",
        "until everything is told",
        "and another one after that",
        "the mark is about a later one",
    ],
)
def test_where_a_worker_begins_and_what_it_goes_by(
    values: list[bytes], committed: int, start: int, traces: list[int], again: int | None
) -> None:
    told = told_by(values)
    assert told.start(committed, lambda: 0).offset == start
    assert (gone_by(told), told.again) == (traces, again)


def test_where_the_log_does_not_reach_back_all_that_can_be_read_is_gone_by() -> None:
    told = told_by([*FLUSHES[:2], BAD, FLUSHES[3]])
    assert told.start(9, lambda: 6) == anchor(4)._replace(offset=6)
    assert (gone_by(told), told.again, told.has_gap) == ([1, 2, 4], None, True)


def test_a_start_of_which_no_block_tells_is_steered_by_what_was_ordered() -> None:
    assert told_by([]).start(None, lambda: 0, lambda: ORDERED) == Anchor(0, None, 0, ORDERED)
    assert told_by(FLUSHES).start(5, lambda: 0, lambda: ORDERED) == Anchor(5, None, 0, ORDERED)
    assert told_by([BAD]).start(8, lambda: 3, lambda: ORDERED) == Anchor(3, None, 0, ORDERED)


def test_what_is_lost_before_it_was_read_is_not_hidden() -> None:
    assert told_by([*FLUSHES, BAD]).start(9, lambda: 20).offset == 9


def test_workers_are_counted_where_they_began() -> None:
    told = told_by([at(4), blocks.takeover(anchor(4)), blocks.takeover(anchor(4)), blocks.takeover(anchor(7))])
    assert [told.takeovers(anchor(offset)) for offset in (4, 7, 9)] == [2, 1, 0]


def test_an_earlier_start_needs_earlier_blocks() -> None:
    values, read = [*FLUSHES[:3], BAD, FLUSHES[3]], []

    def since(since_ms: int) -> Told:
        read.append(since_ms)
        return told_by(values[since_ms:], since_ms)

    told, start = recall(9, lambda offset: {9: 2, 7: 1}.get(offset or 0, 0), since, lambda: 0)
    assert (read, start.offset, gone_by(told)) == ([2, 1], 7, [2, 3])


@pytest.mark.parametrize(
    "wrong",
    [
        {"row": "else"},
        {"closed_by": "nobody"},
        {"records": []},
        {"records": [1, 2], "times": [5], "sizes": []},
        {"records": [1], "times": [5, 6], "sizes": [7, 8]},
        {"records": [1, None]},
    ],
)
def test_rows_that_nobody_can_go_by_are_no_block(wrong: dict[str, Any]) -> None:
    value = blocks.write(pa.Table.from_pylist([row(1), row(2) | wrong], schema=blocks.SCHEMA), anchor(4))
    told = Told()
    with pytest.raises(ValueError, match="rows that contradict themselves"):
        told.take(0, value)
    assert told.has_gap
