"""Traces in letters: nothing that acts on a terminal, nothing wider than there is room."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from api.tree import arrange, nest
from cli import drawing
from tests.builders.frames import trace
from tracemill.visible import visible

LEAST_ROOM = 125
"""Letters that a table takes when no name can give way further."""
AT = "2026-01-31T12:00:00.123456789Z"


def printed(drawn: RenderableType, room: int) -> list[str]:
    console = Console(file=io.StringIO(), width=room, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(drawn, crop=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def row(**columns: Any) -> dict[str, Any]:
    return trace(**{"opened_at": AT, "started_at": AT, **columns})


def span(number: int, parent: int | None = None, **columns: Any) -> dict[str, Any]:
    texts = dict.fromkeys(("status_message", "error_type", "response_model"), "")
    ids = {"span_id": f"{number:016x}", "parent_span_id": "" if parent is None else f"{parent:016x}"}
    plain = {"name": f"span {number}", "span_type": "tool", "status_code": "UNSET", "started_at": AT}
    return {**texts, **ids, **plain, "duration_ns": 1_000_000, **columns}


@given(st.text(max_size=80), st.text(max_size=80), st.integers(110, 300))
def test_a_table_has_no_hidden_letter_and_whole_ids(name: str, service: str, room: int) -> None:
    table = printed(drawing.table([row(root_name=name, service_name=service)], room), room)
    assert len(table) == 2
    assert "01" * 16 in table[1]
    assert "".join(table) == visible("".join(table))


@pytest.mark.parametrize("room", [115, 140, 1_000])
def test_numbers_are_whole_where_names_give_way(room: int) -> None:
    long = row(root_name="n" * 500, service_name="s" * 500, error_count=3, cost_usd=0.0123, input_tokens=1_772)
    (_, line) = printed(drawing.table([long], room), room)
    for wanted in ("01-31 12:00:00", " 3 ", "1,772→0", "$0.0123", "1.50 s"):
        assert wanted in line
    assert len(line) <= max(room, LEAST_ROOM)


def test_a_tree_and_its_bars() -> None:
    spans = [
        span(0, duration_ns=8_000_000, span_type="agent"),
        span(1, 0, duration_ns=2_000_000),
        span(2, 1, status_code="ERROR", status_message="no\x1b[31mpe"),
        span(3, 0, started_at="2026-01-31T12:00:00.127456789Z", duration_ns=4_000_000, response_model="gpt-4o"),
        span(4, 77),
    ]
    lines = printed(drawing.waterfall(list(drawing.walk(nest(arrange(spans)))), 120), 120)
    assert [line.rstrip() for line in lines] == [
        "agent span 0                          ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  8.0 ms",
        "├─ tool span 1                        ━━━━━━━━                          2.0 ms",
        "│  └─ tool span 2 ✗ no⟨U+001B⟩[31mpe  ━━━━                              1.0 ms",
        "└─ tool span 3 gpt-4o                                 ━━━━━━━━━━━━━━━━  4.0 ms",
        "tool span 4 (orphan)                  ━━━━                              1.0 ms",
    ]


@given(st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=10), st.integers(60, 200))
def test_every_span_has_one_line(parents: list[int | None], room: int) -> None:
    spans = [span(number, parent) for number, parent in enumerate(parents)]
    lines = printed(drawing.waterfall(list(drawing.walk(nest(arrange(spans)))), room), room)
    assert len(lines) == len(spans)
    assert all(len(line) <= room for line in lines)


def test_the_head_of_a_trace() -> None:
    (name, facts) = printed(
        drawing.head("01" * 16, row(error_count=2, revision=3, complete=False, closed_by="idle")), 300
    )
    assert name == "invoke_agent support"
    for wanted in ("1.50 s", "8 spans", "keep by default", "revision 3", "closed by idle", "2 errors"):
        assert wanted in facts
    assert "hasn't closed yet" in printed(drawing.head("01" * 16, None), 300)[0]
