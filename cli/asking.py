"""What do commands that ask the API have in common? Where it is, with which token, and how an error ends them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client import NoAnswer, ask
from cli.options import load

Url = Annotated[str | None, typer.Option(help="Where the API is; default as configured.")]
TokenOption = Annotated[str, typer.Option(envvar="TRACEMILL_TOKEN", help="A token of ingest.tokens, if there are any.")]
Json = Annotated[bool, typer.Option("--json", help="Print what the API answers.")]


def asked(url: str, path: str, token: str, method: str = "GET", body: Any = None, **parameters: str | None) -> Any:
    """What the API answers; the command ends with its error where it has none."""
    try:
        return ask(url, path, token, method, body, **parameters)
    except NoAnswer as error:
        typer.echo(f"tracemill: {error}", err=True)
        raise typer.Exit(1) from error


def address(url: str | None, config: Path | None) -> str:
    """Where the API is."""
    if url:
        return url
    api = load(config).api
    host = "127.0.0.1" if api.host in ("0.0.0.0", "::") else api.host  # noqa: S104 - recognised, not listened on
    return f"http://{f'[{host}]' if ':' in host else host}:{api.port}"


def plain(name: str) -> str:
    """An id as one part of a path: what can't stand in an id becomes a dash, so that it is no other one's."""
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name) or "-"
