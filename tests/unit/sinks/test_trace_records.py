"""Which records of `traces.v1` are rows?"""

from __future__ import annotations

import json

import pytest

from runtime.dead_letters import Record
from sinks.trace_records import TRACES, read_trace
from tests.builders.frames import trace, trace_record
from tracemill.errors import Malformed, Reason


def record(value: bytes) -> Record:
    return Record("tracemill.traces.v1", 0, 7, 0, (), value)


def test_a_body_is_the_records_one_a_line() -> None:
    values = [trace_record(revision=number) for number in range(3)]
    ((body,),) = TRACES.bodies([read_trace(record(value)) for value in values])
    assert bytes(body).splitlines() == values


def test_a_row_may_be_written_over_several_lines_and_hold_columns_of_a_later_release() -> None:
    value = json.dumps(trace() | {"invented_later": 1}, indent=2).encode()
    assert read_trace(record(value)).rows == 1


def test_no_records_make_no_body() -> None:
    assert list(TRACES.bodies([])) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", Reason.UNDECODABLE),
        (b"\xff\xfe", Reason.UNDECODABLE),
        (trace_record()[:-1], Reason.UNDECODABLE),
        (trace_record() + trace_record(), Reason.UNDECODABLE),
        (b"[1]", Reason.WRONG_SCHEMA),
        (b"{}", Reason.WRONG_SCHEMA),
        (trace_record(trace_id="AB" * 16), Reason.WRONG_SCHEMA),
        (trace_record(trace_id=None), Reason.WRONG_SCHEMA),
        (trace_record(opened_at="2026-11-22"), Reason.WRONG_SCHEMA),
        (trace_record(version=-1), Reason.WRONG_SCHEMA),
    ],
)
def test_what_is_no_trace_row_is_refused_with_its_reason(value: bytes, reason: Reason) -> None:
    with pytest.raises(Malformed) as refusal:
        read_trace(record(value))
    assert refusal.value.reason is reason
