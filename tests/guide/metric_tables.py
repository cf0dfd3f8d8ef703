"""Which metrics does the page about them name, of which part, of which type, with which labels?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from markdown_it import MarkdownIt
from prometheus_client import Metric

PAGE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"
EVERY_PART: Final = "Every part"
PARTS: Final = ("ingest", "streams", "sinks", "api")
_NAMED: Final = re.compile(r"`([^`]+)`")


class Told(NamedTuple):
    """A metric: its name as one asks for it (a histogram's without a suffix), its type, its labels."""

    name: str
    kind: str
    labels: frozenset[str]


def on_the_page() -> dict[str, set[Told]]:
    """By heading: the metrics of its table. A metric that is named twice is an error."""
    found: dict[str, set[Told]] = {}
    for heading, cells in _rows(PAGE.read_text()):
        told = Told(_NAMED.findall(cells[0])[0], cells[1], frozenset(_NAMED.findall(cells[2])))
        assert told.name not in {each.name for table in found.values() for each in table}, told.name
        assert len(cells) == 5, told.name
        assert cells[3], told.name
        found.setdefault(heading, set()).add(told)
    return found


def _rows(markdown: str) -> Iterator[tuple[str, list[str]]]:
    heading, cells = "", list[str]()
    tokens = MarkdownIt().enable("table").parse(markdown)
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            heading = token.content
        elif before.type == "tr_open":
            cells = []
        elif before.type == "td_open":
            cells.append(token.content)
        elif token.type == "tr_close" and cells:
            yield heading, cells


def exported(families: Iterable[Metric]) -> set[Told]:
    """What is exported: all samples of a family have the same labels."""
    return {
        Told(
            f"{family.name}_total" if family.type == "counter" else family.name,
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels) - {"le"},
        )
        for family in families
    }


def alerts() -> list[dict[str, Any]]:
    """The rules of the page."""
    (block,) = [token.content for token in MarkdownIt().parse(PAGE.read_text()) if token.info == "yaml"]
    (group,) = yaml.safe_load(block)["groups"]
    return group["rules"]
