"""How do traces look in letters? A table of many, and the tree of one beside its waterfall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from rich.table import Table
from rich.text import Text

from tracemill.expressions.kinds import read_time
from tracemill.visible import one_line

NAME_LETTERS: Final = 60
COMMENT_LETTERS: Final = 200
LEAST_NAME: Final = 8
LANE: Final = 32
GAP: Final = 2
NOTHING: Final = "–"
_COLUMNS: Final[tuple[tuple[str, Literal["left", "right"], bool], ...]] = (
    ("received", "left", False),
    ("trace", "left", False),
    ("errors", "right", False),
    ("root", "left", True),
    ("duration", "right", False),
    ("spans", "right", False),
    ("tokens", "right", False),
    ("cost", "right", False),
    ("service", "left", True),
    ("decision", "left", True),
)
"""Title, side, and whether it gives way on a narrow terminal."""


def table(rows: list[dict[str, Any]], room: int) -> Table:
    """Traces in `room` letters: names give way where that is narrow; ids, times and numbers don't."""
    cells = [list(_cells(row)) for row in rows]
    widest = [
        max([len(title), *(row[place].cell_len for row in cells)]) for place, (title, _, _) in enumerate(_COLUMNS)
    ]
    gaps = GAP * (len(_COLUMNS) - 1)
    widths = _widths(widest, room - gaps)
    drawn = Table(box=None, pad_edge=False, header_style="dim", width=sum(widths) + gaps)
    for (title, justify, _), width in zip(_COLUMNS, widths, strict=True):
        drawn.add_column(title, justify=justify, no_wrap=True, overflow="ellipsis", width=width)
    for row in cells:
        drawn.add_row(*row)
    return drawn


def _widths(widest: list[int], room: int) -> list[int]:
    """What names have too much is taken from the widest of them first."""
    widths = list(widest)
    names = [place for place, (_, _, gives_way) in enumerate(_COLUMNS) if gives_way]
    while sum(widths) > room and max(widths[place] for place in names) > LEAST_NAME:
        widths[max(names, key=lambda place: widths[place])] -= 1
    return widths


def _cells(row: Mapping[str, Any]) -> Iterator[Text]:
    failed = bool(row["error_count"])
    yield Text(row["opened_at"][5:19].replace("T", " "), "dim")
    yield Text(row["trace_id"])
    yield Text(str(row["error_count"]), "bold red" if failed else "dim")
    yield Text(one_line(row["root_name"] or "(no root)", NAME_LETTERS), "bold red" if failed else "bold")
    yield Text(_duration(row["duration_ms"]))
    yield Text(str(row["span_count"]))
    yield Text(_tokens(row))
    yield Text(_money(row["cost_usd"]))
    yield Text(one_line(row["service_name"], NAME_LETTERS))
    yield Text(one_line(f"{row['decision']} {row['policy']}", NAME_LETTERS), "dim" if row["decision"] == "drop" else "")


def head(trace_id: str, row: Mapping[str, Any] | None) -> Text:
    """What a trace amounts to, in two lines."""
    if row is None:
        return Text(f"{trace_id}: it hasn't closed yet, so there is no summary", "dim")
    facts = [
        one_line(row["service_name"], NAME_LETTERS),
        row["started_at"],
        _duration(row["duration_ms"]),
        _counted(row["span_count"], "span"),
        f"{_tokens(row)} tokens",
        _money(row["cost_usd"]),
        f"{row['decision']} by {one_line(row['policy'], NAME_LETTERS)}",
        f"revision {row['revision']}",
        "" if row["complete"] else f"closed by {row['closed_by']}",
    ]
    text = Text().append(one_line(row["root_name"] or "(no root)", NAME_LETTERS), "bold")
    text.append("\n" + "  ".join(fact for fact in facts if fact), "dim")
    return text.append(f"  {_counted(row['error_count'], 'error')}", "bold red") if row["error_count"] else text


def score(given: Mapping[str, Any]) -> Text:
    """Who said what about a trace, or about a span of it, in a line."""
    text = Text().append(f"{one_line(given['name'], NAME_LETTERS)} ", "bold")
    text.append(one_line(told(given["value"]), NAME_LETTERS))
    of = f" of span {given['span_id']}" if given["span_id"] else ""
    text.append(f"{of}  by {one_line(given['author'], NAME_LETTERS)}, {given['at'][:19]}Z", "dim")
    return text.append(f"  {one_line(given['comment'], COMMENT_LETTERS)}") if given["comment"] else text


def told(value: bool | float | str) -> str:
    """A score's value as `tracemill feedback --value` takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:g}"


def walk(nodes: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Spans from the top down, each with the lines of the tree before its name."""
    waiting = [("", node, True, True) for node in reversed(nodes)]
    while waiting:
        lines, node, last, top = waiting.pop()
        yield ("" if top else f"{lines}{'└─ ' if last else '├─ '}"), node
        below = "" if top else f"{lines}{'   ' if last else '│  '}"
        children = node["children"]
        waiting += [(below, child, child is children[-1], False) for child in reversed(children)]


def waterfall(spans: list[tuple[str, dict[str, Any]]], room: int) -> Table:
    """Spans as from `walk`, each with its place on the time axis, at most `room` letters wide."""
    starts = [read_time(span["started_at"]) or 0 for _, span in spans]
    first = min(starts)
    total = max(start + span["duration_ns"] for start, (_, span) in zip(starts, spans, strict=True)) - first
    durations = [_duration(span["duration_ns"] / 1e6) for _, span in spans]
    names = [_name(lines, span) for lines, span in spans]
    beside = LANE + max(map(len, durations)) + 2 * GAP
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(
        no_wrap=True,
        overflow="ellipsis",
        width=max(LEAST_NAME, min(room - beside, max(name.cell_len for name in names))),
    )
    drawn.add_column(no_wrap=True, width=LANE)
    drawn.add_column(no_wrap=True, justify="right", width=max(map(len, durations)))
    for start, (_, span), name, duration in zip(starts, spans, names, durations, strict=True):
        bar = _bar(start - first, span["duration_ns"], max(total, 1))
        drawn.add_row(name, Text(bar, "red" if _failed(span) else "cyan"), Text(duration))
    return drawn


def _failed(span: Mapping[str, Any]) -> bool:
    return bool(span["status_code"] == "ERROR")


def _name(lines: str, span: Mapping[str, Any]) -> Text:
    failed = _failed(span)
    text = Text().append(lines, "dim")
    text.append(f"{one_line(span['span_type'], 12)} ", "dim")
    text.append(one_line(span["name"], NAME_LETTERS), "bold red" if failed else "")
    if span["orphan"]:
        text.append(" (orphan)", "yellow")
    if failed:
        text.append(f" ✗ {one_line(span['status_message'] or span['error_type'], NAME_LETTERS)}", "red")
    elif span["response_model"]:
        text.append(f" {one_line(span['response_model'], NAME_LETTERS)}", "dim")
    return text


def _bar(offset: int, length: int, total: int) -> str:
    """A span's place on an axis of `LANE` letters; the shortest is seen too."""
    left = min(offset * LANE // total, LANE - 1)
    width = max(1, round(length * LANE / total))
    return " " * left + "━" * min(width, LANE - left)


def _tokens(row: Mapping[str, Any]) -> str:
    both = (row["input_tokens"], row["output_tokens"])
    return NOTHING if both == (None, None) else "→".join(f"{number or 0:,}" for number in both)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _money(usd: float | None) -> str:
    return NOTHING if usd is None else f"${usd:.4f}"


def _duration(milliseconds: float | None) -> str:
    if milliseconds is None:
        return NOTHING
    return f"{milliseconds:,.1f} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:,.2f} s"
