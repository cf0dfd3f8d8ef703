"""What stands around the value of a flattened field? The brackets, commas and names of the list that it is part of."""

from __future__ import annotations

from typing import Final

from tracemill.dialects.places import Field

_NAMES: Final = {
    Field.ROLE: "role",
    Field.NAME: "name",
    Field.FINISH_REASON: "finish_reason",
    Field.ANSWERED_CALL: "id",
    Field.CONTENT: "content",
    Field.REFUSAL: "content",
    Field.PART_TYPE: "type",
    Field.PART_TEXT: "content",
    Field.PART_URI: "uri",
    Field.CALL_ID: "id",
    Field.CALL_NAME: "name",
    Field.CALL_ARGUMENTS: "arguments",
    Field.DOCUMENT_ID: "id",
    Field.DOCUMENT_CONTENT: "content",
    Field.DOCUMENT_SCORE: "score",
    Field.DOCUMENT_METADATA: "metadata",
}
_TYPES: Final = {
    Field.ANSWERED_CALL: "tool_call_response",
    Field.CONTENT: "text",
    Field.REFUSAL: "refusal",
    Field.PART_TEXT: "text",
    Field.PART_URI: "uri",
    Field.CALL_ID: "tool_call",
    Field.CALL_NAME: "tool_call",
    Field.CALL_ARGUMENTS: "tool_call",
}
"""The type of a part that begins with the field; a part that begins with its type says so itself."""

SPEAKERS: Final = ("user", "assistant")
"""Who says a message of input, of output, that names nobody: embedded texts and prompts of completions don't."""


def before(flags: int, field: Field) -> str:
    """What precedes a field's value: brackets that open, a comma, its name."""
    lists, entries, parts, first_part, answers, nameless, output = (bool(flags >> bit & 1) for bit in range(7))
    text = ("[" if lists else ",") + "{" if entries else ","
    text += f'"role":"{SPEAKERS[output]}",' if nameless else ""
    if parts:
        text = text if first_part else ","
        text += '"parts":[' if first_part else ""
        if field == Field.PARTS:
            return text
        text += "{" + (f'"type":"{_TYPES[field]}",' if field in _TYPES else "")
    return f'{text}"{"response" if answers else _NAMES[field]}":'


def after(flags: int) -> str:
    """What follows a field's value: brackets that close."""
    part_ends, entry_ends, with_parts, without_parts, list_ends = (bool(flags >> bit & 1) for bit in range(5))
    text = "}" if part_ends else ""
    text += "]" if with_parts else ',"parts":[]' if without_parts else ""
    return text + ("}" if entry_ends else "") + ("]" if list_ends else "")
