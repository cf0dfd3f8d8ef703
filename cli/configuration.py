"""How does an operator see what can be configured?"""

from __future__ import annotations

import typer

from cli.options import ConfigOption, load
from tracemill.config_text import default_text

app = typer.Typer(no_args_is_help=True, help="The configuration.")


@app.command()
def show() -> None:
    """Print every key with its default and its meaning, as in tracemill.yaml."""
    typer.echo(default_text(), nl=False)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Say whether a configuration file is right, and if not, which key isn't."""
    load(config)
    typer.echo(f"{config or 'the defaults'}: right")
