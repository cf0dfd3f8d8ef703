"""What is odd about the messages of pydantic-ai? The arguments of a tool call are a text with JSON in it."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from tracemill.dialects.json_text import read, written

SCOPE: Final = "pydantic-ai"

_ARGUMENTS: Final = r'"arguments": ?"'


def with_arguments(texts: Any) -> Any:
    """Messages in JSON, arguments of calls as what they hold."""
    odd = pc.match_substring_regex(texts, _ARGUMENTS)
    if not pc.any(odd).as_py():
        return texts
    return pc.replace_with_mask(texts, odd, pa.array(map(_rewritten, texts.filter(odd).to_pylist()), pa.string()))


def _rewritten(text: str) -> str:
    messages = read(text)
    if not isinstance(messages, list):
        return text
    for message in messages:
        parts = message.get("parts") if isinstance(message, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and "arguments" in part:
                part["arguments"] = read(part["arguments"])
    return written(messages, text)
