"""How does a message of a chat API become one of the conventions? `{role, content, tool_calls}` to `{role, parts}`.

For what a few instrumentations write only; one message at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from tracemill.dialects.json_text import read, written
from tracemill.dialects.words import FINISH_REASONS

Part = dict[str, Any]


def message(sent: Mapping[str, Any], role: str) -> dict[str, Any]:
    """A message; `role` is its role where it names none. One that has parts already stays as it is."""
    role = sent.get("role") or role
    if "parts" in sent:
        return {**sent, "role": role}
    said = parts(sent.get("content"))
    answered = sent.get("tool_call_id") or (sent.get("id") if role == "tool" else None)
    if answered:
        said = [_answer(answered, sent.get("content"))]
    calls = read(sent.get("tool_calls"))
    said += [_call(call) for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []
    reason = sent.get("finish_reason")
    ending = {"finish_reason": FINISH_REASONS.get(reason, reason)} if isinstance(reason, str) and reason else {}
    return {"role": role, **ending, "parts": said}


def parts(content: Any) -> list[Part]:
    """The parts of a message's content: a text, or a list of parts as an API writes them."""
    if content is None or content == "":
        return []
    if isinstance(content, list):
        return [_part(one) for one in content]
    return [_part(content)]


def are_parts(content: Any) -> bool:
    """Whether content is a list of such parts as are known, and not just any list in JSON."""
    return isinstance(content, list) and all(isinstance(one, Mapping) and _reader(one) for one in content)


def _answer(call: Any, content: Any) -> Part:
    return {"type": "tool_call_response", "id": call, "response": content}


def _call(sent: Mapping[str, Any]) -> Part:
    """A call as APIs write it: with its name and arguments below `function`, or without."""
    inner = sent.get("function")
    said = {**sent, **inner} if isinstance(inner, Mapping) else sent
    named = {"id": said.get("id"), "name": said.get("name"), "arguments": read(said.get("arguments"))}
    return {"type": "tool_call", **{name: value for name, value in named.items() if value is not None}}


def _use(sent: Mapping[str, Any]) -> Part:
    return {"type": "tool_call", "id": sent["toolUseId"], "name": sent["name"], "arguments": sent["input"]}


def _image(sent: Mapping[str, Any]) -> Part:
    url = sent["image_url"]
    return {"type": "uri", "modality": "image", "uri": url.get("url") if isinstance(url, Mapping) else url}


_BY_TYPE: Final[Mapping[str, Callable[[Mapping[str, Any]], Part]]] = MappingProxyType(
    {
        "text": lambda sent: {"type": "text", "content": sent["text"]},
        "input_text": lambda sent: {"type": "text", "content": sent["text"]},
        "output_text": lambda sent: {"type": "text", "content": sent["text"]},
        "thinking": lambda sent: {"type": "reasoning", "content": sent["thinking"]},
        "image_url": _image,
        "tool_use": lambda sent: _call({**sent, "arguments": sent["input"]}),
        "tool_result": lambda sent: _answer(sent["tool_use_id"], sent.get("content")),
    }
)
"""Parts by their `type`, as OpenAI and Anthropic write them."""

_BY_MEMBER: Final[Mapping[str, Callable[[Mapping[str, Any]], Part]]] = MappingProxyType(
    {
        "text": lambda sent: {"type": "text", "content": sent["text"]},
        "toolUse": lambda sent: _use(sent["toolUse"]),
        "toolResult": lambda sent: _answer(sent["toolResult"]["toolUseId"], sent["toolResult"]["content"]),
    }
)
"""Parts without a type, by the one member that they have, as Bedrock writes them."""


def _reader(sent: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Part] | None:
    """Who can read a part."""
    if "type" in sent:
        return _BY_TYPE.get(sent["type"]) if isinstance(sent["type"], str) else None
    return next((_BY_MEMBER[member] for member in sent if member in _BY_MEMBER), None) if len(sent) == 1 else None


def _part(sent: Any) -> Part:
    """A part; what can't be read as one stays as it is, or becomes a text."""
    if not isinstance(sent, Mapping):
        return {"type": "text", "content": sent if isinstance(sent, str) else written(sent)}
    try:
        reader = _reader(sent)
        return reader(sent) if reader else {"type": "json", **sent}
    except (KeyError, TypeError):
        return {"type": "json", **sent}
