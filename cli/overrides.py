"""How does an operator keep everything of somebody for a while, or one trace that was dropped?"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Final

import typer

from cli.asking import Json, TokenOption, Url, address, asked, plain
from cli.options import ConfigOption
from tracemill.visible import visible

app = typer.Typer(no_args_is_help=True, help="Overrides: what is kept for a while, whatever the rules say.")

_PATH: Final = "/api/v1/overrides"
_HOURS: Final = {"m": 1 / 60, "h": 1.0, "d": 24.0}
_OF: Final = {"user": "user_id", "session": "session_id", "service": "service_name", "tenant": "tenant"}


@app.command("list")
def list_(url: Url = None, token: TokenOption = "", as_json: Json = False, config: ConfigOption = None) -> None:
    """Overrides in force, and those that ended in the last week."""
    answer = asked(address(url, config), _PATH, token)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    elif not answer["overrides"]:
        typer.echo("No overrides: keep everything of a user with `tracemill overrides add user NAME --for 2h`")
    for each in [] if as_json else answer["overrides"]:
        typer.echo(_line(each))


@app.command()
def add(
    of: Annotated[str, typer.Argument(help="user, session, service or tenant.")],
    value: Annotated[str, typer.Argument(help="Which one; nothing for tenant.")] = "",
    duration: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 7d at most.")] = "1h",
    why: Annotated[str, typer.Option(help="For those who see it in the list.")] = "",
    url: Url = None,
    token: TokenOption = "",
    config: ConfigOption = None,
) -> None:
    """Keep every trace of a user, session, service or tenant for a while."""
    if of not in _OF:
        raise typer.BadParameter(f"{of!r}: one of {', '.join(_OF)}", param_hint="of")
    body = {"of": _OF[of], "value": value, "hours": _hours(duration), "why": why}
    typer.echo(_line(asked(address(url, config), _PATH, token, "POST", body)))


@app.command()
def revoke(
    override_id: Annotated[str, typer.Argument(help="As the list has it.")],
    url: Url = None,
    token: TokenOption = "",
    config: ConfigOption = None,
) -> None:
    """Take an override back."""
    typer.echo(_line(asked(address(url, config), f"{_PATH}/{plain(override_id)}", token, "DELETE")))


def promote(
    trace_id: Annotated[str, typer.Argument(help="32 hex digits.")],
    why: Annotated[str, typer.Option(help="The policy becomes promoted:WHY.")] = "request",
    url: Url = None,
    token: TokenOption = "",
    config: ConfigOption = None,
) -> None:
    """Keep a trace that was dropped, as long as the log has it."""
    path = f"/api/v1/traces/{plain(trace_id)}/promote"
    answer = asked(address(url, config), path, token, "POST", {"why": why})
    done = "was kept already" if answer["status"] == "kept" else "is read again from the log and stored"
    typer.echo(f"{answer['trace_id']} {done}: {visible(answer['policy'])}")


def _hours(duration: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", duration)
    if found is None:
        raise typer.BadParameter(f"{duration!r}: write 30m, 2h or 7d", param_hint="--for")
    return float(found[1]) * _HOURS[found[2]]


def _line(override: dict[str, Any]) -> str:
    state = "in force until" if override["in_force"] else "ended"
    if override["revoked_at"]:
        state, until = f"revoked by {override['revoked_by']} at", override["revoked_at"]
    else:
        until = override["until"]
    what = f"{override['of']} {override['value']}".strip()
    why = f" ({override['why']})" if override["why"] else ""
    return visible(f"{override['id']}  {what}: {state} {until[:19]}Z, by {override['by']}{why}")
