"""How does one look at traces from a terminal? A table of many, one as a tree with a waterfall, from the HTTP API."""

from __future__ import annotations

import json
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from cli.asking import Json, TokenOption, Url, address, asked, plain
from cli.options import ConfigOption

Filter = Annotated[
    str | None, typer.Option(help="A condition in SQL, e.g. error_count > 0, or any_span(tool_name = 'sql').")
]
Since = Annotated[str, typer.Option(help="How long ago (15m, 1h, 7d), or a time.")]
Until = Annotated[str | None, typer.Option(help="How long ago, or a time; default now.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="Rows.")]
OrderOption = Annotated[str | None, typer.Option(help="A column; -column for the largest first.")]

PIPED_COLUMNS: Final = 1_000


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
    from cli import drawing

    more = {"filter": filter, "from": since, "to": until, "order": order, "limit": str(limit)}
    answer = asked(address(url, config), "/api/v1/traces", token, **more)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    console = _console()
    if not answer["traces"]:
        console.print(f"No traces from {answer['from']} to {answer['to']}: look further back with --since 7d")
        return
    console.print(drawing.table(answer["traces"], console.width), crop=False)
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
    from cli import drawing

    answer = asked(address(url, config), f"/api/v1/traces/{plain(trace_id)}", token)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    console = _console()
    console.print(drawing.head(trace_id, answer["trace"]))
    spans = list(drawing.walk(answer["spans"]))
    if spans:
        console.print(drawing.waterfall(spans, console.width), crop=False)
    if answer["truncated"]:
        console.print(Text(f"It has more spans than these {len(spans)}", "dim"))
    for score in answer["scores"]:
        console.print(drawing.score(score))


def _console() -> Console:
    """Colours only on a terminal; a pipe gets long lines rather than cut ones."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = PIPED_COLUMNS
    return console
