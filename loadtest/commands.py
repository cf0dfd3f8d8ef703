"""How does a command of this package tell what went wrong? One line on standard error, exit status 2."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer


class CommandFailed(RuntimeError):
    """It couldn't be done; the text says why."""


def run(command: Callable[..., None]) -> None:
    """Run a function as a command; what it refuses (ValueError) or fails at (CommandFailed) is told in a line."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app()
    except (ValueError, CommandFailed) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
