"""How does one machine run everything?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import ConfigOption, load
from tracemill.config import Config, ConfigError

DataDir = Annotated[Path | None, typer.Option(help="Where everything is kept; default .tracemill")]
PortOffset = Annotated[int, typer.Option(help="Added to every port, to run beside something else.")]
Rules = Annotated[Path | None, typer.Option(help="Sampling rules to apply; without them every trace is kept.")]


def up(config: ConfigOption = None, data_dir: DataDir = None, port_offset: PortOffset = 0, rules: Rules = None) -> None:
    """Run everything on this machine until Ctrl-C."""
    start(config, data_dir, port_offset, rules)


def start(
    config: Path | None,
    data_dir: Path | None,
    port_offset: int,
    rules: Path | None,
    more: Callable[[Config], Any] | None = None,
) -> None:
    """Run everything with these options, and what `more` adds (an `embedded.stack.Addition`).

    Raises:
        ConfigError: it can't start; the text says what to do.
    """
    from embedded.refusals import CannotStart
    from embedded.stack import nothing
    from embedded.stack import up as run

    given: dict[str, dict[str, Any]] = {}
    if data_dir is not None:
        given["embedded"] = {"data_dir": str(data_dir)}
    if rules is not None:
        given["sampling"] = {"rules": str(rules)}
    try:
        run(load(config, given), lambda line: print(line, flush=True), port_offset, more=more or nothing)
    except CannotStart as error:
        raise ConfigError(str(error)) from error
