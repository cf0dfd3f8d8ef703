"""Which records could nobody read or take, and why?"""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.options import ConfigOption, load
from cli.reaching import reaching
from tracemill import topics
from tracemill.visible import one_line

if TYPE_CHECKING:
    from confluent_kafka import Message

TEXT_LETTERS: Final = 200

Limit = Annotated[int, typer.Option(min=1, max=100_000, help="The latest so many.")]
Json = Annotated[bool, typer.Option("--json", help="Print them as they are, one a line.")]


def dead_letters(limit: Limit = 20, as_json: Json = False, config: ConfigOption = None) -> None:
    """List the records that were set aside, the latest last, each with its reason and where it lies."""
    from runtime.kafka import read_from

    kafka = load(config).kafka
    latest: deque[Message] = deque(maxlen=limit)
    with reaching(kafka):
        read_from(kafka, topics.DEAD_LETTERS.name(kafka.namespace), {0: 0}, latest.append)
    for message in latest:
        value = message.value() or b""
        typer.echo(value.decode(errors="replace") if as_json else line(message.timestamp()[1], json.loads(value)))
    if not latest and not as_json:
        typer.echo("No dead letters.")


def line(written_ms: int, letter: dict[str, Any]) -> str:
    """A dead letter in one line: when, why, which record, what is wrong with it."""
    at = datetime.fromtimestamp(written_ms / 1000, UTC)
    place = f"{letter['topic']}/{letter['partition']}@{letter['offset']}"
    return f"{at:%m-%d %H:%M:%S}  {letter['reason']}  {place}  {letter['length']} bytes  " + one_line(
        letter["text"], TEXT_LETTERS
    )
