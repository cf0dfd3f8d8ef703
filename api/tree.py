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
    """Spans (in the order of their start) from the top down: each behind its parent, siblings by their start."""
    children: dict[str, list[int]] = defaultdict(list)
    first: dict[str, int] = {}
    for index, span in enumerate(spans):
        children[span["parent_span_id"]].append(index)
        first.setdefault(span["span_id"], index)
    tops = [index for index, span in enumerate(spans) if span["parent_span_id"] not in first]
    placed: list[Placed] = []
    reached: set[int] = set()
    # A span that isn't reached from a top is in a circle, or below one: the circle is cut at its earliest span.
    for top in (*tops, *range(len(spans))):
        waiting = [(top, 0)]
        while waiting:
            index, depth = waiting.pop()
            if index in reached:
                continue
            reached.add(index)
            span = spans[index]
            placed.append(Placed(span, depth, depth == 0 and span["parent_span_id"] != ""))
            if first[span["span_id"]] == index:
                waiting.extend((child, depth + 1) for child in reversed(children[span["span_id"]]))
    return placed


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
