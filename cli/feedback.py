"""How does one say from a terminal how good a trace was?"""

from __future__ import annotations

import json
import math
from typing import Annotated, Final

import typer

from cli.asking import Json, TokenOption, Url, address, asked
from cli.options import ConfigOption
from tracemill.visible import visible

_FATES: Final = {
    "kept": "it was kept already",
    "requested": "it was dropped; it is read again from the log and stored",
    "gone": "it was dropped, and the log no longer has all of it",
    "unknown": "it isn't in the store: if it is open, it is kept when it closes",
    "left": "whether it is kept stays as it is",
}


def feedback(
    trace_id: Annotated[str, typer.Argument(help="32 hex digits.")],
    name: Annotated[str, typer.Option(help="What the value is of: thumbs, helpfulness, …")],
    value: Annotated[str, typer.Option(help="A number, true or false, or a short text.")],
    span: Annotated[str | None, typer.Option(help="Of which span: 16 hex digits.")] = None,
    comment: Annotated[str, typer.Option(help="In your words.")] = "",
    score_id: Annotated[str | None, typer.Option("--id", help="Takes the place of a score with the same id.")] = None,
    promote: Annotated[bool, typer.Option(help="Keep the trace, if it was dropped or is open.")] = True,
    url: Url = None,
    token: TokenOption = "",
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Say how good a trace was; one that was dropped is kept after all."""
    given = {"span_id": span, "id": score_id}
    body = {"trace_id": trace_id, "name": name, "value": read_value(value), "comment": comment, "promote": promote}
    body |= {member: text for member, text in given.items() if text is not None}
    answer = asked(address(url, config), "/api/v1/feedback", token, "POST", body)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    fate = answer["trace"]
    since = f" (it goes back to {fate['log_since']})" if fate["log_since"] else ""
    typer.echo(visible(f"{trace_id}: score {answer['score']['id']} is noted; {_FATES[fate['status']]}{since}"))


def read_value(text: str) -> bool | float | str:
    """What `--value` says: true or false, a number, or the text as it stands."""
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
