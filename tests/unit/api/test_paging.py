"""Orders, and cursors that come back as they went out, or are refused; nothing else."""

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import paging
from api.listings import SPANS, TRACES, Listing
from api.paging import Cursor, Order, Place
from api.problems import Problem
from api.times import Window
from tracemill.schema import Kind

MOMENTS = st.integers(0, 2**63 - 1)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text(max_size=100),
    Kind.IDENTIFIER: st.text("0123456789abcdef", max_size=32),
    Kind.INTEGER: st.none() | st.integers(-(2**63), 2**63 - 1),
    Kind.NUMBER: st.none() | st.integers(0, 2**64 - 1),
    Kind.BOOLEAN: st.none() | st.booleans(),
    Kind.TIME: st.none() | MOMENTS,
}


@st.composite
def cursors(draw: st.DrawFn) -> tuple[Listing, Order, Cursor]:
    of = draw(st.sampled_from([TRACES, SPANS]))
    column, kind = draw(st.sampled_from(sorted(of.sortable.items())))
    identity = tuple(draw(VALUES[Kind.IDENTIFIER]) for _ in of.identity)
    place = Place(draw(VALUES[kind]), identity, draw(MOMENTS))
    return of, Order(column, kind, draw(st.booleans())), Cursor(Window(draw(MOMENTS), draw(MOMENTS)), place)


@given(cursors())
def test_a_cursor_comes_back_as_it_went(given_: tuple[Listing, Order, Cursor]) -> None:
    of, order, cursor = given_
    text = paging.write_cursor(cursor, "mine")
    assert text.replace("-", "").replace("_", "").isalnum()
    assert paging.read_cursor(text, "mine", order, of) == cursor


@given(cursors())
def test_a_cursor_of_another_question_is_refused(given_: tuple[Listing, Order, Cursor]) -> None:
    of, order, cursor = given_
    with pytest.raises(Problem, match="it belongs to another question"):
        paging.read_cursor(paging.write_cursor(cursor, "theirs"), "mine", order, of)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.text() | JSON.map(lambda value: _encoded(value)) | JSON.map(lambda value: _encoded(["mine", 0, 9, value])))
def test_whatever_comes_as_a_cursor_is_refused_as_one(text: str) -> None:
    with pytest.raises(Problem, match=r"^cursor: "):
        paging.read_cursor(text, "mine", Order("opened_at", Kind.TIME, True), TRACES)


@pytest.mark.parametrize(
    ("column", "inside"),
    [
        ("opened_at", ["mine", 0, 9, "text", ["a"], 0]),
        ("opened_at", ["mine", 0, 9, True, ["a"], 0]),
        ("opened_at", ["mine", 0, 9, 2**63, ["a"], 0]),
        ("opened_at", ["mine", 0, 9, 1, [], 0]),
        ("opened_at", ["mine", 0, 9, 1, [1], 0]),
        ("opened_at", ["mine", 0, 9, 1, "a", 0]),
        ("opened_at", ["mine", -1, 9, 1, ["a"], 0]),
        ("opened_at", ["mine", 0, 9.5, 1, ["a"], 0]),
        ("cost_usd", ["mine", 0, 9, -1, ["a"], 0]),
        ("cost_usd", ["mine", 0, 9, 0.5, ["a"], 0]),
        ("root_name", ["mine", 0, 9, None, ["a"], 0]),
        ("complete", ["mine", 0, 9, 1, ["a"], 0]),
    ],
)
def test_a_cursor_that_was_changed_is_refused(column: str, inside: list[Any]) -> None:
    order = paging.read_order(column, TRACES)
    with pytest.raises(Problem, match="it has been changed"):
        paging.read_cursor(_encoded(inside), "mine", order, TRACES)


@pytest.mark.parametrize(
    ("text", "column", "descending"),
    [
        ("-cost_usd", "cost_usd", True),
        ("cost_usd", "cost_usd", False),
        ("cost_usd desc", "cost_usd", True),
        ("cost_usd ASC", "cost_usd", False),
        (" root_name ", "root_name", False),
    ],
)
def test_orders(text: str, column: str, descending: bool) -> None:
    order = paging.read_order(text, TRACES)
    assert (order.column, order.descending) == (column, descending)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cost", "did you mean `cost_usd`"),
        ("models", "can't be sorted by"),
        ("sources", "can't be sorted by"),
        ("", "can't be sorted by"),
        ("--cost_usd", "can't be sorted by"),
        ("cost_usd up", "write a column, or -column"),
        ("-cost_usd asc", "write a column, or -column"),
        ("cost_usd; DROP TABLE traces", "write a column, or -column"),
        ("opened_at, trace_id", "write a column, or -column"),
    ],
)
def test_orders_that_are_refused(text: str, why: str) -> None:
    with pytest.raises(Problem, match=r"^order: ") as caught:
        paging.read_order(text, TRACES)
    assert why in caught.value.detail


def test_content_is_no_order() -> None:
    with pytest.raises(Problem, match="can't be sorted by"):
        paging.read_order("input_messages", SPANS)


def test_behind_a_row_less_of_the_window_is_left() -> None:
    whole, place = Window(10, 90), Place(50, ("a",), 50)
    newest, oldest = Order("opened_at", Kind.TIME, True), Order("opened_at", Kind.TIME, False)
    assert paging.narrowed(whole, place, newest, TRACES) == Window(10, 51)
    assert paging.narrowed(whole, place, oldest, TRACES) == Window(50, 90)
    assert paging.narrowed(whole, place, Order("started_at", Kind.TIME, True), TRACES) == whole
    assert paging.narrowed(whole, Place(5, ("a",), 5), oldest, TRACES) == whole


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")
