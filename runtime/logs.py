"""How does every process write its log? One line an event: time, level, part, sentence, key=value pairs."""

from __future__ import annotations

import logging
import sys
from typing import Any


class _KeyValue(logging.Formatter):
    def __init__(self, part: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {part} %(message)s", "%Y-%m-%dT%H:%M:%S%z")


def configure(part: str, level: str = "info") -> None:
    """Log to standard error from `level` on, each line with the part's name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_KeyValue(part))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def pairs(sentence: str, **values: Any) -> str:
    """A sentence and its key=value pairs; values with spaces are quoted, control characters escaped."""
    return " ".join([sentence, *(f"{key}={_plain(value)}" for key, value in values.items())])


def _plain(value: Any) -> str:
    text = str(value)
    return text if text and text.isprintable() and " " not in text and '"' not in text else ascii(text)
