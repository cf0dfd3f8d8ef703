"""Is a body what it says it is, and is what isn't refused by the name of its member?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from api.bodies import BODY_BYTES, Body, FeedbackGiven, PromotionAsked, read_body
from api.problems import Problem, Trouble
from tracemill.scores import MAX_COMMENT, MAX_TEXT

JSON = {"content-type": "application/json; charset=utf-8"}
LEAST: dict[str, Any] = {"trace_id": "AB" * 16, "name": "thumbs", "value": True}


def read(text: bytes, model: type[Body] = FeedbackGiven, headers: dict[str, str] | None = None) -> Any:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 1_000):
            yield text[start : start + 1_000]

    return asyncio.run(read_body(chunks(), JSON if headers is None else headers, model))


def refused(text: bytes, headers: dict[str, str] | None = None) -> Problem:
    with pytest.raises(Problem) as found:
        read(text, headers=headers)
    return found.value


def test_the_least_that_is_feedback() -> None:
    given = read(orjson.dumps(LEAST))
    assert (given.trace_id, given.span_id, given.id, given.comment, given.promote) == ("ab" * 16, None, None, "", True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("false", False), ("1", 1.0), ("0", 0.0), ("-0.5", -0.5), ("1e308", 1e308), ('"1"', "1"),
        ('"true"', "true"), ('"\U0001f44d"', "\U0001f44d"), (f'"{"x" * MAX_TEXT}"', "x" * MAX_TEXT),
    ],
)  # fmt: skip
def test_a_value_is_of_one_of_three_kinds(text: str, value: Any) -> None:
    found = read(orjson.dumps(LEAST | {"value": orjson.Fragment(text)})).value
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "text",
    [
        "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400, "null", "[]", "[1]", "{}", '""',
        f'"{"x" * (MAX_TEXT + 1)}"', "[[[[1]]]]", '{"value": 1}',
    ],
)  # fmt: skip
def test_any_other_value_is_refused_by_name(text: str) -> None:
    problem = refused(orjson.dumps(LEAST | {"value": orjson.Fragment(text)}))
    assert (problem.trouble, problem.detail) == (
        Trouble.BAD_BODY,
        f"value: a finite number, true or false, or a text of 1 to {MAX_TEXT} characters",
    )


WRONG: tuple[tuple[str, Any], ...] = (
    ("trace_id", "ab" * 15), ("trace_id", "zz" * 16), ("trace_id", "ab" * 16 + "\n"), ("trace_id", 5),
    ("trace_id", None), ("span_id", ""), ("span_id", "ab" * 16), ("span_id", ["ab" * 8]), ("name", ""), ("name", "a b"),
    ("name", "x" * 65), ("name", "<b>"), ("name", "thumbs\n"), ("name", None), ("comment", "x" * (MAX_COMMENT + 1)),
    ("comment", None), ("comment", 5), ("id", ""), ("id", "x" * 65), ("id", "../.."), ("id", 7), ("promote", "no"),
    ("promote", 1), ("promote", None), ("tenant", "theirs"), ("author", "somebody"), ("at", 0), ("version", 99),
)  # fmt: skip


@pytest.mark.parametrize(("member", "value"), WRONG, ids=str)
def test_what_is_wrong_is_named(member: str, value: Any) -> None:
    problem = refused(orjson.dumps(LEAST | {member: value}))
    assert problem.trouble is Trouble.BAD_BODY
    assert problem.detail.startswith(f"{member}: ")


@pytest.mark.parametrize("member", LEAST)
def test_what_is_missing_is_named(member: str) -> None:
    left = {name: value for name, value in LEAST.items() if name != member}
    assert refused(orjson.dumps(left)).detail == f"{member}: Field required"


@pytest.mark.parametrize("text", [b"{", b"[]", b"5", b'"x"', b"\xff", b'{"name": "\\ud800"}', b"[" * 9_000])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    assert refused(text).trouble is Trouble.BAD_BODY


def test_a_body_is_bounded_and_says_that_it_is_json() -> None:
    assert refused(b" " * (BODY_BYTES + 1)).trouble is Trouble.BODY_TOO_LARGE
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        assert refused(b"{}", {"content-type": kind}).trouble is Trouble.NOT_JSON
    assert refused(b"{}", {}).trouble is Trouble.NOT_JSON


def test_nothing_is_a_body_without_members() -> None:
    assert read(b"", PromotionAsked).why == "request"
