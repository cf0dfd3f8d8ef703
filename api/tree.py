"""Which span is below which? A trace's spans as a tree, whatever their parents say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

NESTED: Final = 100
"""Levels that are nested in JSON; parsers give up somewhere beyond."""

Span = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """A span in its tree: how deep, and whether its parent is missing (or below the span itself)."""

    span: Span
    depth: int
    orphan: bool


def arrange(spans: Sequence[Span]) -> list[Placed]:
    """Spans (in the order of their start) from the top down: each behind its parent, siblings by their start.

    Spans that are their own ancestors are cut apart at the earliest of them. Of several with one id the first has the
    children.
    """
    first: dict[str, int] = {}
    for index, span in enumerate(spans):
        first.setdefault(span["span_id"], index)
    parents = [first.get(span["parent_span_id"]) for span in spans]
    children: dict[int, list[int]] = defaultdict(list)
    for index, parent in enumerate(parents):
        if parent is not None:
            children[parent].append(index)
    placed: list[Placed] = []
    reached: set[int] = set()
    for top in (*(index for index, parent in enumerate(parents) if parent is None), *range(len(spans))):
        if top not in reached:
            _descend(_highest(top, parents), spans, children, placed, reached)
    return placed


def _highest(start: int, parents: Sequence[int | None]) -> int:
    """The span without a parent above `start`, or the earliest of the circle above it."""
    path: dict[int, int] = {}
    index = start
    while index not in path:
        path[index] = len(path)
        parent = parents[index]
        if parent is None:
            return index
        index = parent
    return min(list(path)[path[index] :])


def _descend(
    top: int,
    spans: Sequence[Span],
    children: Mapping[int, Sequence[int]],
    placed: list[Placed],
    reached: set[int],
) -> None:
    """Place `top` and all below it."""
    waiting = [(top, 0)]
    while waiting:
        index, depth = waiting.pop()
        if index in reached:
            continue
        reached.add(index)
        placed.append(Placed(spans[index], depth, depth == 0 and spans[index]["parent_span_id"] != ""))
        waiting.extend((child, depth + 1) for child in reversed(children.get(index, ())))


def nest(placed: Sequence[Placed]) -> list[dict[str, Any]]:
    """The same as nested objects: each span with its `depth`, `orphan` and `children`.

    Spans deeper than `NESTED` levels are children of their ancestor at that level; their `depth` is the real one.
    """
    tops: list[dict[str, Any]] = []
    path: list[dict[str, Any]] = []
    for place in placed:
        node = {**place.span, "depth": place.depth, "orphan": place.orphan, "children": []}
        del path[min(place.depth, NESTED) :]
        (path[-1]["children"] if path else tops).append(node)
        path.append(node)
    return tops
