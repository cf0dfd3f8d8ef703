"""What was said? The messages, tool calls and documents in a span's JSON texts, in whatever shape they came.

The shape of the OpenTelemetry GenAI conventions (`[{role, parts: [{type, content}]}]`), that of chat APIs
(`[{role, content, tool_calls}]`), and for all else the JSON or the text as it is: nothing is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

_SAID: Final = ("content", "text")
_ANSWERED: Final = ("response", "result", "content")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message: what it is (`text`, `tool_call`, `json`, …), whose, and its text."""

    kind: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """Who said what; the role is empty where nobody is named."""

    role: str
    parts: tuple[Part, ...]
    finish_reason: str = ""


def read(text: str) -> list[Message]:
    """The messages in a JSON text; a text that is no JSON is one message."""
    if not text:
        return []
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return [Message("", (Part("text", "", text),))]
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
        value = value["messages"]
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        return [Message("", (Part("json", "", pretty(value, text)),))]
    return [_message(entry) for entry in value]


def pretty(value: Any, text: str = "") -> str:
    """A JSON value on several lines; `text` where it is nested too deeply for that."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONEncodeError, RecursionError):
        return text or "(nested too deeply to be shown)"


def indented(text: str) -> str:
    """A JSON text on several lines; any other text as it is."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return pretty(value, text) if isinstance(value, dict | list) else text


def _message(entry: Mapping[str, Any]) -> Message:
    if "role" not in entry:
        return Message("", (_part(entry),))
    said = entry.get("parts", entry.get("content"))
    parts = [_part(part) for part in said] if isinstance(said, list) else _plain(said)
    calls = entry.get("tool_calls")
    parts += [_part({"type": "tool_call", **_call(call)}) for call in calls] if isinstance(calls, list) else []
    return Message(_text(entry["role"]), tuple(parts), _text(entry.get("finish_reason") or ""))


def _plain(said: Any) -> list[Part]:
    return [] if said is None or said == "" else [Part("text", "", pretty(said))]


def _call(call: Any) -> Mapping[str, Any]:
    """A call as chat APIs write it: name and arguments below `function`."""
    if not isinstance(call, Mapping):
        return {"arguments": call}
    inner = call.get("function")
    return {**call, **inner, "type": "tool_call"} if isinstance(inner, Mapping) else call


def _part(part: Any) -> Part:
    if not isinstance(part, Mapping):
        return Part("text", "", pretty(part))
    kind = _text(part.get("type") or "json")
    match kind:
        case "text" | "reasoning" | "thinking" | "input_text" | "output_text":
            return Part("text" if kind.endswith("text") else kind, "", _first(part, _SAID))
        case "tool_call" | "function":
            arguments = part.get("arguments")
            shown = indented(arguments) if isinstance(arguments, str) else pretty(arguments)
            return Part("tool_call", _text(part.get("name") or ""), shown if arguments is not None else "")
        case "tool_call_response" | "tool_result":
            return Part("tool_result", _text(part.get("id") or ""), _first(part, _ANSWERED))
        case "blob":
            media = part.get("mime_type") or part.get("modality") or ""
            return Part("blob", _text(media), f"{len(_text(part.get('content') or '')):,} characters of base64")
        case "uri" | "file":
            return Part(kind, _text(part.get("mime_type") or ""), _first(part, ("uri", "file_id")))
        case _:
            return Part(kind, "", pretty(dict(part)))


def _first(part: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of several members that is there; the whole part where none is."""
    for name in names:
        if part.get(name) is not None:
            return indented(part[name]) if isinstance(part[name], str) else pretty(part[name])
    return pretty(dict(part))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else pretty(value)
