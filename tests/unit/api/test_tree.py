"""Any spans make a tree in which each is once, below its parent if that is there."""

from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from api.tree import NESTED, Placed, arrange, nest


def span(number: int, parent: int | None) -> dict[str, Any]:
    """A span; without a parent it is a root."""
    return {"span_id": f"{number:016x}", "parent_span_id": "" if parent is None else f"{parent:016x}", "n": number}


SPANS = st.lists(st.none() | st.integers(0, 12), max_size=12).map(
    lambda parents: [span(number, parent) for number, parent in enumerate(parents)]
)


@given(SPANS)
def test_every_span_is_once_and_below_its_parent(spans: list[dict[str, Any]]) -> None:
    placed = arrange(spans)
    assert sorted(place.span["n"] for place in placed) == list(range(len(spans)))
    above: list[Placed] = []
    for place in placed:
        del above[place.depth :]
        assert len(above) == place.depth
        if above:
            assert above[-1].span["span_id"] == place.span["parent_span_id"]
            assert not place.orphan
        else:
            assert place.orphan == (place.span["parent_span_id"] != "")
        above.append(place)


@given(SPANS)
def test_a_span_is_on_top_only_without_a_parent_or_in_a_circle(spans: list[dict[str, Any]]) -> None:
    ids = {one["span_id"] for one in spans}
    parents = {one["span_id"]: one["parent_span_id"] for one in spans}
    for place in arrange(spans):
        if place.depth == 0 and place.span["parent_span_id"] in ids:
            up, steps = place.span["parent_span_id"], 0
            while up in parents and up != place.span["span_id"] and steps <= len(spans):
                up, steps = parents[up], steps + 1
            assert up == place.span["span_id"]


@given(SPANS)
def test_nested_is_the_same_from_the_top_down(spans: list[dict[str, Any]]) -> None:
    placed = arrange(spans)
    found = [(node["n"], node["depth"], node["orphan"]) for node in _walk(nest(placed))]
    assert found == [(place.span["n"], place.depth, place.orphan) for place in placed]


def test_siblings_keep_their_order() -> None:
    spans = [span(0, None), span(1, 0), span(2, 1), span(3, 0), span(4, 1)]
    assert [(place.span["n"], place.depth) for place in arrange(spans)] == [(0, 0), (1, 1), (2, 2), (4, 2), (3, 1)]


def test_an_id_that_is_there_twice_has_its_children_once() -> None:
    spans = [span(0, None), span(0, None), span(1, 0)]
    assert [(place.span["n"], place.depth) for place in arrange(spans)] == [(0, 0), (1, 1), (0, 0)]


def test_a_chain_of_thousands_is_json_that_can_be_read() -> None:
    chain = [span(0, None), *(span(number, number - 1) for number in range(1, 20_000))]
    nodes = orjson.loads(orjson.dumps(nest(arrange(chain))))
    depths = [node["depth"] for node in _walk(nodes)]
    assert depths == list(range(20_000))
    level, node = 0, nodes[0]
    while node["children"]:
        level, node = level + 1, node["children"][0]
    assert level == NESTED


def _walk(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    waiting = nodes[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node["children"][::-1]
