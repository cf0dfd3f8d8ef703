"""What do OpenInference's flattened keys say? It writes a list as an attribute for each field of each entry.

`llm.input_messages.0.message.contents.1.message_content.text` is the text of the second part of the first message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

COLUMNS: Final = ("input_messages", "output_messages", "documents")
PREFIXES: Final = ("llm.input_messages.", "llm.output_messages.", "retrieval.documents.", "reranker.output_documents.")

_COLUMN_OF: Final[Mapping[str, int]] = MappingProxyType(
    {
        "llm.input_messages": 0,
        "llm.output_messages": 1,
        "retrieval.documents": 2,
        "reranker.output_documents": 2,
    }
)


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
    ANSWERED_CALL = 2
    CONTENT = 3
    PART_TYPE = 4
    PART_TEXT = 5
    PART_URI = 6
    CALL_ID = 7
    CALL_NAME = 8
    CALL_ARGUMENTS = 9
    DOCUMENT_ID = 10
    DOCUMENT_CONTENT = 11
    DOCUMENT_SCORE = 12
    DOCUMENT_METADATA = 13


class Place(NamedTuple):
    """What a key says: of which column, which entry of it, which part of that, and which field."""

    column: int
    entry: int
    section: int
    part: int
    field: int


_MESSAGE: Final[Mapping[str, tuple[Section, Field]]] = MappingProxyType(
    {
        "message.role": (Section.HEAD, Field.ROLE),
        "message.name": (Section.HEAD, Field.NAME),
        "message.tool_call_id": (Section.CONTENT, Field.ANSWERED_CALL),
        "message.content": (Section.CONTENT, Field.CONTENT),
        "message.contents.#.message_content.type": (Section.CONTENTS, Field.PART_TYPE),
        "message.contents.#.message_content.text": (Section.CONTENTS, Field.PART_TEXT),
        "message.contents.#.message_content.image.image.url": (Section.CONTENTS, Field.PART_URI),
        "message.tool_calls.#.tool_call.id": (Section.CALLS, Field.CALL_ID),
        "message.tool_calls.#.tool_call.function.name": (Section.CALLS, Field.CALL_NAME),
        "message.tool_calls.#.tool_call.function.arguments": (Section.CALLS, Field.CALL_ARGUMENTS),
    }
)
_DOCUMENT: Final[Mapping[str, tuple[Section, Field]]] = MappingProxyType(
    {
        "document.id": (Section.HEAD, Field.DOCUMENT_ID),
        "document.content": (Section.HEAD, Field.DOCUMENT_CONTENT),
        "document.score": (Section.HEAD, Field.DOCUMENT_SCORE),
        "document.metadata": (Section.HEAD, Field.DOCUMENT_METADATA),
    }
)
_KEY: Final = re.compile(r"([a-z]+\.[a-z_]+)\.([0-9]{1,5})\.(.+)")
_PART: Final = re.compile(r"\.([0-9]{1,5})\.")
_READ_KEYS: Final = 1 << 16


@lru_cache(_READ_KEYS)
def place_of(key: str) -> Place | None:
    """What a key says; None for a key that isn't flattened, or says something that no column holds."""
    found = _KEY.fullmatch(key)
    if not found or found[1] not in _COLUMN_OF:
        return None
    column = _COLUMN_OF[found[1]]
    part = _PART.search(found[3])
    path = _PART.sub(".#.", found[3], count=1)
    where = (_DOCUMENT if COLUMNS[column] == "documents" else _MESSAGE).get(path)
    return Place(column, int(found[2]), where[0], int(part[1]) if part else 0, where[1]) if where else None
