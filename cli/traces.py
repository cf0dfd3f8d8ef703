"""How does one look at traces from a terminal? A table of many, one as a tree with a waterfall, from the HTTP API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.client import NoAnswer, ask
from cli.options import ConfigOption, load
from tracemill.expressions.kinds import read_time
from tracemill.visible import one_line

Url = Annotated[str | None, typer.Option(help="Where the API is; default as configured.")]
TokenOption = Annotated[str, typer.Option(envvar="TRACEMILL_TOKEN", help="A token of ingest.tokens, if there are any.")]
Json = Annotated[bool, typer.Option("--json", help="Print what the API answers.")]
Filter = Annotated[str | None, typer.Option(help='A condition, e.g. "error_count > 0".')]
Since = Annotated[str, typer.Option(help="How long ago (15m, 1h, 7d), or a time.")]
Until = Annotated[str | None, typer.Option(help="How long ago, or a time; default now.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="Rows.")]
OrderOption = Annotated[str | None, typer.Option(help="A column; -column for the largest first.")]

PIPED_COLUMNS: Final = 200
NAME_LETTERS: Final = 60
LANE: Final = 32
NOTHING: Final = "–"


def traces(
    filter: Filter = None,
    since: Since = "1h",
    until: Until = None,
    order: OrderOption = None,
    limit: Limit = 20,
    url: Url = None,
    token: TokenOption = "",
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """List the latest traces."""
    more = {"filter": filter, "from": since, "to": until, "order": order, "limit": str(limit)}
    answer = _ask(_address(url, config), "/api/v1/traces", token, **more)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    console = _console()
    if not answer["traces"]:
        console.print(f"No traces from {answer['from']} to {answer['to']}: look further back with --since 7d")
        return
    console.print(_table(answer["traces"]))
    if answer["next_cursor"]:
        console.print(Text(f"There are more than these {limit}: narrow --filter, or raise --limit", "dim"))


def trace(
    trace_id: Annotated[str, typer.Argument(help="32 hex digits.")],
    url: Url = None,
    token: TokenOption = "",
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Show one trace as a tree."""
    answer = _ask(_address(url, config), f"/api/v1/traces/{_plain(trace_id)}", token)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    console = _console()
    console.print(_head(trace_id, answer["trace"]))
    spans = list(_walk(answer["spans"]))
    if spans:
        console.print(_waterfall(spans))
    if answer["truncated"]:
        console.print(Text(f"It has more spans than these {len(spans)}", "dim"))


def _ask(url: str, path: str, token: str, **parameters: str | None) -> Any:
    try:
        return ask(url, path, token, **parameters)
    except NoAnswer as error:
        typer.echo(f"tracemill: {error}", err=True)
        raise typer.Exit(1) from error


def _address(url: str | None, config: Path | None) -> str:
    if url:
        return url
    api = load(config).api
    host = "127.0.0.1" if api.host in ("0.0.0.0", "::") else api.host  # noqa: S104 - recognised, not listened on
    return f"http://{f'[{host}]' if ':' in host else host}:{api.port}"


def _plain(trace_id: str) -> str:
    """An id that can stand in a path."""
    return "".join(letter for letter in trace_id if letter.isalnum() and letter.isascii())


def _console() -> Console:
    """Colours only on a terminal; a pipe gets long lines rather than cut ones."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = PIPED_COLUMNS
    return console


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("received", no_wrap=True)
    table.add_column("trace", no_wrap=True, overflow="fold", min_width=32)
    table.add_column("root", no_wrap=True, overflow="ellipsis")
    table.add_column("service", no_wrap=True, overflow="ellipsis")
    for title in ("duration", "spans", "tokens", "cost", "errors"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Mapping[str, Any]) -> Iterator[Text]:
    failed = bool(row["error_count"])
    yield Text(row["opened_at"][:19].replace("T", " "), "dim")
    yield Text(row["trace_id"])
    yield Text(one_line(row["root_name"] or "(no root)", NAME_LETTERS), "bold red" if failed else "bold")
    yield Text(one_line(row["service_name"], NAME_LETTERS))
    yield Text(_duration(row["duration_ms"]))
    yield Text(str(row["span_count"]))
    yield Text(_tokens(row))
    yield Text(_money(row["cost_usd"]))
    yield Text(str(row["error_count"]), "bold red" if failed else "dim")
    yield Text(one_line(f"{row['decision']} {row['policy']}", NAME_LETTERS), "dim" if row["decision"] == "drop" else "")


def _head(trace_id: str, row: Mapping[str, Any] | None) -> Text:
    if row is None:
        return Text(f"{trace_id}: it hasn't closed yet, so there is no summary", "dim")
    text = Text(one_line(row["root_name"] or "(no root)", NAME_LETTERS), "bold")
    facts = [
        one_line(row["service_name"], NAME_LETTERS),
        row["started_at"],
        _duration(row["duration_ms"]),
        f"{row['span_count']} spans",
        f"{_tokens(row)} tokens",
        _money(row["cost_usd"]),
        f"{row['decision']} by {one_line(row['policy'], NAME_LETTERS)}",
        f"revision {row['revision']}",
        "" if row["complete"] else f"closed by {row['closed_by']}",
    ]
    text.append("\n" + "  ".join(fact for fact in facts if fact), "dim")
    if row["error_count"]:
        text.append(f"  {row['error_count']} errors", "bold red")
    return text


def _walk(nodes: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Spans from the top down, each with the lines of the tree before its name."""
    waiting = [("", node, True, True) for node in reversed(nodes)]
    while waiting:
        lines, node, last, top = waiting.pop()
        yield ("" if top else f"{lines}{'└─ ' if last else '├─ '}"), node
        below = "" if top else f"{lines}{'   ' if last else '│  '}"
        children = node["children"]
        waiting += [(below, child, child is children[-1], False) for child in reversed(children)]


def _waterfall(spans: list[tuple[str, dict[str, Any]]]) -> Table:
    starts = [read_time(span["started_at"]) or 0 for _, span in spans]
    first = min(starts)
    total = max(start + span["duration_ns"] for start, (_, span) in zip(starts, spans, strict=True)) - first
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(no_wrap=True, width=LANE)
    table.add_column(no_wrap=True, justify="right")
    for start, (lines, span) in zip(starts, spans, strict=True):
        failed = span["status_code"] == "ERROR"
        bar = Text(_bar(start - first, span["duration_ns"], max(total, 1)), "red" if failed else "cyan")
        table.add_row(_name(lines, span, failed), bar, Text(_duration(span["duration_ns"] / 1e6)))
    return table


def _name(lines: str, span: Mapping[str, Any], failed: bool) -> Text:
    text = Text(lines, "dim")
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


def _money(usd: float | None) -> str:
    return NOTHING if usd is None else f"${usd:.4f}"


def _duration(milliseconds: float | None) -> str:
    if milliseconds is None:
        return NOTHING
    return f"{milliseconds:,.1f} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:,.2f} s"
