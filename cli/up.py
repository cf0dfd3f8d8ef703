"""How does one machine run everything?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import ConfigOption, load

DataDir = Annotated[Path | None, typer.Option(help="Where everything is kept; default .tracemill")]
PortOffset = Annotated[int, typer.Option(help="Added to every port, to run beside something else.")]
Rules = Annotated[Path | None, typer.Option(help="Sampling rules to apply; without them every trace is kept.")]


def up(config: ConfigOption = None, data_dir: DataDir = None, port_offset: PortOffset = 0, rules: Rules = None) -> None:
    """Run everything on this machine until Ctrl-C."""
    from embedded.refusals import CannotStart
    from embedded.stack import up as run
    from tracemill.config import ConfigError

    more: dict[str, dict[str, Any]] = {}
    if data_dir is not None:
        more["embedded"] = {"data_dir": str(data_dir)}
    if rules is not None:
        more["sampling"] = {"rules": str(rules)}
    try:
        run(load(config, more), lambda line: print(line, flush=True), port_offset)
    except CannotStart as error:
        raise ConfigError(str(error)) from error
