"""How do flattened lists become JSON again? By sorting attributes and joining pieces of text, for all spans at once.

The shape is that of the OpenTelemetry GenAI conventions: `[{"role", "parts": [{"type": "text", "content"}, …]}]`, and
`[{"id", "content", "score"}]` for documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracemill.decode.attributes import Attributes
from tracemill.dialects.json_text import embedded, quoted
from tracemill.dialects.openinference import COLUMNS, PREFIXES, Field, Section, place_of

Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NAMES: Final = {
    Field.ROLE: "role",
    Field.NAME: "name",
    Field.ANSWERED_CALL: "id",
    Field.CONTENT: "content",
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
    Field.PART_TEXT: "text",
    Field.PART_URI: "uri",
    Field.CALL_ID: "tool_call",
    Field.CALL_NAME: "tool_call",
    Field.CALL_ARGUMENTS: "tool_call",
}
"""The type of a part that begins with the field; a part that begins with its type says so itself."""

_IMAGE: Final = '"uri","modality":"image"'
_EMBEDDED: Final = (Field.CALL_ARGUMENTS, Field.DOCUMENT_METADATA, Field.DOCUMENT_SCORE)
"""Fields whose text is JSON itself, if it can be read as such."""


def held(attributes: Attributes) -> Mask | None:
    """For each attribute whether it is flattened; None when none is."""
    places = _places(attributes)
    return None if places is None else places[attributes.code, 0] >= 0


def find(attributes: Attributes, rows: Int) -> Flattened | None:
    """The flattened attributes of the spans at `rows` (ascending); None when there are none."""
    places = _places(attributes)
    if places is None:
        return None
    wanted = np.zeros(attributes.count, np.bool_)
    wanted[rows] = True
    chosen = np.nonzero((places[attributes.code, 0] >= 0) & wanted[attributes.owner])[0]
    if not len(chosen):
        return None
    column, entry, section, part, field = places[attributes.code[chosen]].T
    owner = attributes.owner[chosen]
    order = np.lexsort((chosen, field, part, section, entry, column, owner))
    columns = [one[order] for one in (owner, column, entry, section, part, field)]
    # Of a key sent twice the last one counts.
    last = ~_same(*columns)
    return Flattened(attributes, chosen[order][last], *(one[last] for one in columns))


def _places(attributes: Attributes) -> npt.NDArray[np.int32] | None:
    """What each distinct key says, five numbers a key and -1 where it says nothing; None when no key says anything."""
    candidates = np.zeros(len(attributes.keys), np.bool_)
    for prefix in PREFIXES:
        candidates |= np.asarray(pc.starts_with(attributes.keys, prefix))
    at = np.nonzero(candidates)[0]
    if not len(at):
        return None
    places = np.full((len(attributes.keys), 5), -1, np.int32)
    for code, key in zip(at, attributes.keys.take(pa.array(at)).to_pylist(), strict=True):
        place = place_of(key)
        if place:
            places[code] = place
    return places


def _same(*columns: Any) -> Mask:
    """Which rows are equal to the next one in all columns."""
    result = np.zeros(len(columns[0]), np.bool_)
    result[:-1] = np.all([column[1:] == column[:-1] for column in columns], axis=0)
    return result


@dataclass(frozen=True)
class Flattened:
    """Attributes at `positions`, sorted as they are written: by span, column, entry, section, part and field."""

    attributes: Attributes
    positions: Int
    owner: Int
    column: Int
    entry: Int
    section: Int
    part: Int
    field: Int

    def texts(self, rows: Int) -> dict[str, Any]:
        """By column its JSON for each of `rows`, `''` where a span has nothing flattened for it."""
        starts = np.nonzero(self._begins[0])[0]
        offsets = pa.array(np.append(starts, len(self.positions)), pa.int32())
        lists = pc.binary_join(pa.ListArray.from_arrays(offsets, self._pieces()), "")
        lists = pa.concat_arrays([lists, pa.array([""], pa.string())])
        return {name: self._of_column(number, lists, starts, rows) for number, name in enumerate(COLUMNS)}

    def _of_column(self, number: int, lists: Any, starts: Int, rows: Int) -> Any:
        mine = np.nonzero(self.column[starts] == number)[0]
        table = np.full(self.attributes.count, len(starts), np.int64)
        table[self.owner[starts[mine]]] = mine
        return lists.take(pa.array(table[rows]))

    @cached_property
    def _begins(self) -> tuple[Mask, Mask, Mask]:
        """Where a list, an entry, a part begins. Fields of the entry itself are in no part."""
        lists = ~_previous_same(self.owner, self.column)
        entries = lists | ~_previous_same(self.entry)
        parts = (self.section != Section.HEAD) & (entries | ~_previous_same(self.section, self.part))
        return lists, entries, parts

    def _pieces(self) -> Any:
        """For each attribute what it adds to its list."""
        return pc.binary_join_element_wise(self._before(), self._values(), self._after(), "")

    def _before(self) -> Any:
        lists, entries, parts = self._begins
        first_part = parts & (entries | np.append(False, self.section[:-1] == Section.HEAD))
        answers = ~entries & (self.field == Field.CONTENT) & np.append(False, self.field[:-1] == Field.ANSWERED_CALL)
        codes = _packed(lists, entries, parts, first_part, answers) * len(Field) + self.field
        distinct, inverse = np.unique(codes, return_inverse=True)
        words = [_before(int(code) // len(Field), Field(int(code) % len(Field))) for code in distinct]
        return pa.array(words, pa.string()).take(pa.array(inverse.ravel()))

    def _values(self) -> Any:
        texts = self.attributes.values.text(self.positions)
        images = pa.array(self.field == Field.PART_TYPE)
        result = pc.if_else(pc.and_(images, pc.equal(texts, "image")), _IMAGE, quoted(texts))
        mask = np.isin(self.field, _EMBEDDED)
        if mask.any():
            result = pc.replace_with_mask(result, pa.array(mask), embedded(texts.filter(pa.array(mask))))
        return result

    def _after(self) -> Any:
        lists, entries, parts = (np.append(begins[1:], True) for begins in self._begins)
        inside = self.section != Section.HEAD
        messages = COLUMNS.index("documents") != self.column
        codes = _packed(inside & (parts | entries), entries, entries & inside, entries & ~inside & messages, lists)
        return pa.array([_after(code) for code in range(32)], pa.string()).take(pa.array(codes))


def _previous_same(*columns: Any) -> Mask:
    """Which rows are equal to the one before in all columns."""
    return np.append(False, _same(*columns)[:-1])


def _packed(*flags: Mask) -> Int:
    """Flags as one number a row, the first flag its lowest bit."""
    return np.sum([flag.astype(np.int64) << bit for bit, flag in enumerate(flags)], axis=0)


def _before(flags: int, field: Field) -> str:
    """What precedes a field's value: brackets that open, a comma, its name."""
    lists, entries, parts, first_part, answers = (bool(flags >> bit & 1) for bit in range(5))
    text = ("[" if lists else ",") + "{" if entries else ","
    if parts:
        text = (text if entries else ",") if first_part else ","
        text += ('"parts":[' if first_part else "") + "{"
        text += f'"type":"{_TYPES[field]}",' if field in _TYPES else ""
    return f'{text}"{"response" if answers else _NAMES[field]}":'


def _after(flags: int) -> str:
    """What follows a field's value: brackets that close."""
    part_ends, entry_ends, with_parts, without_parts, list_ends = (bool(flags >> bit & 1) for bit in range(5))
    text = "}" if part_ends else ""
    text += "]" if with_parts else ',"parts":[]' if without_parts else ""
    return text + ("}" if entry_ends else "") + ("]" if list_ends else "")
