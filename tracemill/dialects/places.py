"""Where in a list does a flattened attribute stand? Some instrumentations write an attribute a field of each entry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

COLUMNS: Final = ("input_messages", "output_messages", "documents")


class Section(IntEnum):
    """Where in an entry a field stands: in the entry itself, or in one of its parts; in the order of writing."""

    HEAD = 0
    CONTENT = 1
    CONTENTS = 2
    CALLS = 3


class Field(IntEnum):
    """A field, in the order of writing inside its object."""

    ROLE = 0
    NAME = 1
    FINISH_REASON = 2
    ANSWERED_CALL = 3
    CONTENT = 4
    PARTS = 5
    REFUSAL = 6
    PART_TYPE = 7
    PART_TEXT = 8
    PART_URI = 9
    CALL_ID = 10
    CALL_NAME = 11
    CALL_ARGUMENTS = 12
    DOCUMENT_ID = 13
    DOCUMENT_CONTENT = 14
    DOCUMENT_SCORE = 15
    DOCUMENT_METADATA = 16


class Place(NamedTuple):
    """What a key says: of which column, which entry of it, which part of that, and which field."""

    column: int
    entry: int
    section: int
    part: int
    field: int


Fields = Mapping[str, tuple[Section, Field]]
"""Fields by their path in an entry, `#` for the number of a part."""

_OPENINFERENCE: Final[Fields] = MappingProxyType(
    {
        "message.role": (Section.HEAD, Field.ROLE),
        "message.name": (Section.HEAD, Field.NAME),
        "message.tool_call_id": (Section.CONTENT, Field.ANSWERED_CALL),
        "message.content": (Section.CONTENT, Field.CONTENT),
        "message.contents.#.message_content.type": (Section.CONTENTS, Field.PART_TYPE),
        "message.contents.#.message_content.text": (Section.CONTENTS, Field.PART_TEXT),
        "message.contents.#.message_content.image.image.url": (Section.CONTENTS, Field.PART_URI),
        "message.contents.#.message_content.audio.audio.url": (Section.CONTENTS, Field.PART_URI),
        "message.tool_calls.#.tool_call.id": (Section.CALLS, Field.CALL_ID),
        "message.tool_calls.#.tool_call.function.name": (Section.CALLS, Field.CALL_NAME),
        "message.tool_calls.#.tool_call.function.arguments": (Section.CALLS, Field.CALL_ARGUMENTS),
        "message.function_call_name": (Section.CALLS, Field.CALL_NAME),
        "message.function_call_arguments_json": (Section.CALLS, Field.CALL_ARGUMENTS),
        "prompt.text": (Section.CONTENT, Field.CONTENT),
        "completion.text": (Section.CONTENT, Field.CONTENT),
        "embedding.text": (Section.CONTENT, Field.CONTENT),
    }
)
_OPENLLMETRY: Final[Fields] = MappingProxyType(
    {
        "role": (Section.HEAD, Field.ROLE),
        "finish_reason": (Section.HEAD, Field.FINISH_REASON),
        "tool_call_id": (Section.CONTENT, Field.ANSWERED_CALL),
        "content": (Section.CONTENT, Field.CONTENT),
        "user": (Section.CONTENT, Field.CONTENT),
        "refusal": (Section.CONTENTS, Field.REFUSAL),
        "tool_calls.#.id": (Section.CALLS, Field.CALL_ID),
        "tool_calls.#.name": (Section.CALLS, Field.CALL_NAME),
        "tool_calls.#.arguments": (Section.CALLS, Field.CALL_ARGUMENTS),
        "function_call.name": (Section.CALLS, Field.CALL_NAME),
        "function_call.arguments": (Section.CALLS, Field.CALL_ARGUMENTS),
    }
)
"""As 0.40 does; 0.62 writes the messages of the conventions."""
_DOCUMENT: Final[Fields] = MappingProxyType(
    {
        "document.id": (Section.HEAD, Field.DOCUMENT_ID),
        "document.content": (Section.HEAD, Field.DOCUMENT_CONTENT),
        "document.score": (Section.HEAD, Field.DOCUMENT_SCORE),
        "document.metadata": (Section.HEAD, Field.DOCUMENT_METADATA),
    }
)
_LISTS: Final[Mapping[str, tuple[int, Fields]]] = MappingProxyType(
    {
        "llm.input_messages": (0, _OPENINFERENCE),
        "llm.prompts": (0, _OPENINFERENCE),
        "embedding.embeddings": (0, _OPENINFERENCE),
        "gen_ai.prompt": (0, _OPENLLMETRY),
        "llm.output_messages": (1, _OPENINFERENCE),
        "llm.choices": (1, _OPENINFERENCE),
        "gen_ai.completion": (1, _OPENLLMETRY),
        "retrieval.documents": (2, _DOCUMENT),
        "reranker.output_documents": (2, _DOCUMENT),
    }
)
PREFIXES: Final = tuple(f"{name}." for name in _LISTS)

_KEY: Final = re.compile(r"([a-z_]+\.[a-z_]+)\.([0-9]{1,5})\.(.+)")
_PART: Final = re.compile(r"\.([0-9]{1,5})\.")
_READ_KEYS: Final = 1 << 16


@lru_cache(_READ_KEYS)
def place_of(key: str) -> Place | None:
    """What a key says; None for a key that isn't flattened, or says something that no column holds."""
    found = _KEY.fullmatch(key)
    if not found or found[1] not in _LISTS:
        return None
    column, fields = _LISTS[found[1]]
    part = _PART.search(found[3])
    where = fields.get(_PART.sub(".#.", found[3], count=1))
    return Place(column, int(found[2]), where[0], int(part[1]) if part else 0, where[1]) if where else None
