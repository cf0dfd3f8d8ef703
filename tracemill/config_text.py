"""What does the commented default configuration look like? Rendered from the models, so never out of date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tracemill.config import Config

_HEAD: Final = """\
# Tracemill's configuration: every key with its default. A key that isn't here is refused.
# `--config FILE`, or the variable TRACEMILL_CONFIG. Durations are whole milliseconds.
"""


def default_text() -> str:
    """YAML of all sections, keys and defaults, each with its meaning as a comment."""
    lines = [_HEAD.rstrip()]
    for name, field in Config.model_fields.items():
        lines += ["", *_entry(name, field)]
    return "\n".join(lines) + "\n"


def _entry(name: str, field: FieldInfo) -> Iterator[str]:
    if isinstance(field.default, BaseModel):
        section = type(field.default)
        yield f"# {section.__doc__}"
        yield f"{name}:"
        for key, inner in section.model_fields.items():
            yield from (f"  {line}" for line in _entry(key, inner))
    else:
        yield f"{name}: {_plain(field.default)}{_comment(field)}"


def _comment(field: FieldInfo) -> str:
    return f"  # {field.description}" if field.description else ""


def _plain(value: Any) -> str:
    shown = str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(shown, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()
