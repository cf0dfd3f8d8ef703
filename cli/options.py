"""Which options do several commands share, and how does a configuration file become a `Config`?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tracemill.config import Config, ConfigError, parse

ConfigOption = Annotated[
    Path | None, typer.Option("--config", envvar="TRACEMILL_CONFIG", help="YAML file; without one, defaults hold.")
]


def load(path: Path | None, more: dict[str, Any] | None = None) -> Config:
    """The configuration in a file, with `more` laid over it.

    Raises:
        ConfigError: the file can't be read, or says something that is refused.
    """
    try:
        text = path.read_text() if path else ""
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from error
    return parse(text, str(path or "defaults"), more or {})
