"""What do the events of a span say was said? Before 1.37 the conventions had an event for each message.

`gen_ai.user.message`, `gen_ai.choice` and so on, with what they say in attributes of the event (Strands), or as JSON in
`gen_ai.event.content` (Azure, Semantic Kernel); before that `gen_ai.content.prompt` and `.completion`. Now there is
`gen_ai.client.inference.operation.details`, with the same attributes as a span.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracemill.decode.attributes import ABSENT, texts
from tracemill.decode.nested import Recorded
from tracemill.dialects import chat, tables
from tracemill.dialects.json_text import read, written
from tracemill.dialects.words import FINISH_REASONS, translated

COLUMNS: Final = ("input_messages", "output_messages", "system_instructions")

_INPUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gen_ai.system.message": "system",
        "gen_ai.user.message": "user",
        "gen_ai.assistant.message": "assistant",
        "gen_ai.tool.message": "tool",
        "gen_ai.content.prompt": "user",
    }
)
_OUTPUT: Final[Mapping[str, str]] = MappingProxyType(
    {"gen_ai.choice": "assistant", "gen_ai.content.completion": "assistant"}
)
"""Events and the role of who speaks."""

_WHOLE: Final = ("gen_ai.event.content", "gen_ai.prompt", "gen_ai.completion")
_MEMBERS: Final = ("content", "message", "role", "id", "tool_calls", "finish_reason")
MENTIONS: Final = (
    *(name for name in (*_INPUT, *_OUTPUT) if not name.startswith("gen_ai.content.")),
    *_WHOLE,
    *(tables.CONTENT[name][0] for name in COLUMNS),
)
"""What is in the bytes of any event that says anything. `gen_ai.content.completion` would be in those of each chunk."""

REASON: Final = "finish_reason"
_REASON: Final = r'"finish_reason": ?"(?P<reason>[a-zA-Z_]+)"'

_TOOL: Final = MappingProxyType(
    {"tool_arguments": ("gen_ai.tool.message", "content"), "tool_result": ("gen_ai.choice", "message")}
)
"""On the span of a tool: which attribute of which event."""


def of_calls(events: Recorded) -> dict[str, Any]:
    """The columns of `COLUMNS` that the events of each span say, `''` where they say nothing."""
    result = {name: events.last(tables.CONTENT[name][0]) for name in COLUMNS}
    for name, roles in (("input_messages", _INPUT), ("output_messages", _OUTPUT)):
        here = np.nonzero(events.named(roles))[0]
        if len(here):
            told = _joined(events, here, roles)
            result[name] = pc.if_else(pc.equal(result[name], ""), told, result[name])
    return result


def reasons(messages: Any) -> Any:
    """Why a model stopped, from its messages in JSON: the first that one of them says."""
    found = pc.struct_field(pc.extract_regex(messages, _REASON), 0).fill_null("")
    return translated(found, FINISH_REASONS)


def reasons_of(events: Recorded) -> Any:
    """Why a model stopped, for each span by its events."""
    said = translated(events.last(REASON, "gen_ai.choice"), FINISH_REASONS)
    return pc.if_else(pc.equal(said, ""), reasons(events.last(tables.CONTENT["output_messages"][0])), said)


def of_tools(events: Recorded) -> dict[str, Any]:
    """`tool_arguments` and `tool_result` that the events of each span say, `''` where they say nothing."""
    return {column: events.last(key, name) for column, (name, key) in _TOOL.items()}


def _joined(events: Recorded, here: Any, roles: Mapping[str, str]) -> Any:
    """The messages of the events at `here` as a JSON list for each span."""
    said: list[list[Any]] = [[] for _ in range(events.count)]
    columns = _attributes(events, here)
    names = events.names.take(pa.array(here)).to_pylist()
    for span, name, values in zip(events.span[here], names, zip(*columns.values(), strict=True), strict=True):
        told = {key: value for key, value in zip(columns, values, strict=True) if value}
        said[span] += _messages(told, roles[name])
    return pa.array([written(one) if one else "" for one in said], pa.string())


def _attributes(events: Recorded, here: Any) -> dict[str, list[str]]:
    keys = (*_WHOLE, *_MEMBERS)
    index = events.attributes.index(keys)
    absent = np.full(len(here), ABSENT, np.int64)
    rows = {key: index.positions[key][here] if key in index.positions else absent for key in keys}
    return {key: column.to_pylist() for key, column in texts(events.attributes.values, rows, len(here)).items()}


def _messages(told: Mapping[str, str], role: str) -> Iterator[dict[str, Any]]:
    """The messages of one event, of whose attributes `told` holds those that aren't empty."""
    whole = next((read(told[key]) for key in _WHOLE if key in told), None)
    sent = whole if isinstance(whole, list) and not chat.are_parts(whole) else [told if whole is None else whole]
    for one in sent:
        yield chat.message(_body(one), role)


def _body(sent: Any) -> Mapping[str, Any]:
    """What was said as a message of a chat API; that of a choice is below `message`."""
    if not isinstance(sent, Mapping):
        return {"content": sent}
    inner = read(sent.get("message"))
    if isinstance(inner, Mapping):
        return {**sent, **inner}
    content = read(sent.get("content")) if inner is None else inner
    return {**sent, "content": content if chat.are_parts(content) else inner or sent.get("content")}
