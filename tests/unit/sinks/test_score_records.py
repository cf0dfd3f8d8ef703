"""Which records of `scores.v1` are rows, and which of several holds?"""

from __future__ import annotations

import json

import pytest

from runtime.dead_letters import Record
from sinks.score_records import SCORES, read_score
from tests.builders.frames import score_record
from tracemill.errors import Malformed


def record(value: bytes, offset: int = 7) -> Record:
    return Record("tracemill.scores.v1", 0, offset, 0, (), value)


def test_a_row_has_the_offset_of_its_record_as_its_version() -> None:
    pieces = [read_score(record(score_record(value=number), offset)) for number, offset in enumerate((3, 9))]
    ((body,),) = SCORES.bodies(pieces)
    told = [json.loads(line) for line in bytes(body).splitlines()]
    assert [(row["number"], row["version"]) for row in told] == [(0.0, 3), (1.0, 9)]


def test_what_is_no_score_is_refused() -> None:
    with pytest.raises(Malformed, match="not a score"):
        read_score(record(b"{}"))
