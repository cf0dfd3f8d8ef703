"""Is a score on `scores.v1` what it was, in the words that were agreed, and is anything else refused?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.frames import score_record
from tracemill import scores
from tracemill.errors import Malformed, Reason
from tracemill.scores import MAX_COMMENT, MAX_TEXT, Value, derived_id, read_value, score_row

GOLDEN = Path(__file__).parents[2] / "golden" / "scores"
VALUES = st.one_of(
    st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.text(min_size=1, max_size=MAX_TEXT)
)


def test_the_schema_is_the_one_that_was_reviewed() -> None:
    shown = json.dumps(msgspec.json.schema(scores._Record), indent=2) + "\n"
    assert shown == (GOLDEN / "scores.v1.schema.json").read_text()


@pytest.mark.parametrize("value", [True, 4, 0.5, "too long"], ids=["boolean", "whole", "number", "text"])
def test_a_record_is_the_one_that_was_reviewed(value: Value) -> None:
    record = score_record(value=value, span_id="0a" * 8, comment="Not what I asked:\n“7”", id="ui:7")
    expected = (GOLDEN / f"{type(value).__name__}.json").read_bytes()
    assert record == expected.rstrip(b"\n")


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: Value) -> None:
    row = json.loads(score_row(score_record(value=value), 7))
    found = read_value(row["kind"], row["number"], row["text"])
    assert (type(found), found, row["version"]) == (type(value), value, 7)


def test_members_of_a_later_release_are_left_out_and_spaces_dont_matter() -> None:
    record = json.loads(score_record())
    spaced = json.dumps(record | {"invented_later": [1], "version": 99}, indent=2).encode()
    assert json.loads(score_row(spaced, 3)) == record | {"version": 3}


WRONG: tuple[dict[str, Any], ...] = (
    {"tenant": ""}, {"tenant": None}, {"trace_id": "AB" * 16}, {"trace_id": "ab"}, {"id": ""}, {"id": "a b"},
    {"id": "x" * 65}, {"span_id": "ab"}, {"span_id": None}, {"name": "a b"}, {"kind": "colour"}, {"kind": "text"},
    {"number": "1"}, {"number": None}, {"text": 5}, {"text": "x" * (MAX_TEXT + 1)}, {"comment": None},
    {"comment": "x" * (MAX_COMMENT + 1)}, {"author": 5}, {"source": ""}, {"at": -1}, {"at": 2**63}, {"at": "now"},
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_no_score_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="not a score") as refusal:
        score_row(json.dumps(json.loads(score_record()) | wrong).encode(), 0)
    assert refusal.value.reason is Reason.WRONG_SCHEMA


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", score_record() * 2, score_record().replace(b"1.0", b"NaN")])
def test_what_is_no_json_is_refused(value: bytes) -> None:
    with pytest.raises(Malformed) as refusal:
        score_row(value, 0)
    assert refusal.value.reason is Reason.UNDECODABLE


def test_an_id_is_derived_from_who_says_what_about_what() -> None:
    given = ("ada", "01" * 16, "", "thumbs")
    assert derived_id(*given) == derived_id(*given)
    others = [("bob", *given[1:]), ("ada", "02" * 16, "", "thumbs"), ("ada", "01" * 16, "0a" * 8, "thumbs")]
    others += [("ada", "01" * 16, "", "stars"), ("ada" + "01" * 16, "", "", "thumbs")]
    assert len({derived_id(*one) for one in (given, *others)}) == 6
