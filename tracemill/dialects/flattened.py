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
from tracemill.dialects import chat
from tracemill.dialects.brackets import SPEAKERS, after, before
from tracemill.dialects.json_text import embedded, quoted, read, written
from tracemill.dialects.places import COLUMNS, PREFIXES, Field, Section, place_of
from tracemill.dialects.words import FINISH_REASONS, translated

Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MEDIA: Final = {f'"{medium}"': f'"uri","modality":"{medium}"' for medium in ("image", "audio")}
_LIST: Final = r"^\[\{"


def _parts(texts: Any) -> Any:
    """Lists of parts in JSON, as an API writes them, without their brackets."""
    return pa.array(map(_parts_of, texts.to_pylist()), pa.string())


def _parts_of(text: str) -> str:
    return (written(chat.parts(read(text))) or written(chat.parts(text)))[1:-1]


_WRITERS: Final = (
    ((Field.CALL_ARGUMENTS, Field.DOCUMENT_METADATA, Field.DOCUMENT_SCORE), embedded),
    ((Field.PARTS,), _parts),
    ((Field.PART_TYPE,), lambda texts: translated(quoted(texts), _MEDIA)),
    ((Field.FINISH_REASON,), lambda texts: quoted(translated(texts, FINISH_REASONS))),
)
"""How fields are written that aren't just quoted: what is JSON itself, if it can be read as such, and our words."""


def held(attributes: Attributes) -> Mask | None:
    """For each attribute whether it is flattened; None when none is."""
    places = _places(attributes)
    return None if places is None else places[attributes.code, 0] >= 0


def holders(attributes: Attributes, column: int) -> Mask:
    """Which spans have anything flattened for a column, by its place in `COLUMNS`."""
    result = np.zeros(attributes.count, np.bool_)
    places = _places(attributes)
    if places is not None:
        result[attributes.owner[places[attributes.code, 0] == column]] = True
    return result


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
    sent: Int

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
    def _texts(self) -> Any:
        return self.attributes.values.text(self.positions)

    @cached_property
    def field(self) -> Int:
        """Which field an attribute is: a content that is a list of parts in JSON instead of a text is `PARTS`."""
        contents = (self.sent == Field.CONTENT) & ~_after_one(self.sent == Field.ANSWERED_CALL)
        lists = contents & np.asarray(pc.match_substring_regex(self._texts, _LIST))
        if not lists.any():
            return self.sent
        known = [chat.are_parts(read(text)) for text in self._texts.filter(pa.array(lists)).to_pylist()]
        result = self.sent.copy()
        result[np.nonzero(lists)[0][known]] = Field.PARTS
        return result

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
        first_part = parts & (entries | _after_one(self.section == Section.HEAD))
        answers = ~entries & (self.field == Field.CONTENT) & _after_one(self.field == Field.ANSWERED_CALL)
        nameless = entries & (self.column < len(SPEAKERS)) & (self.field != Field.ROLE)
        output = self.column == COLUMNS.index("output_messages")
        codes = _packed(lists, entries, parts, first_part, answers, nameless, output) * len(Field) + self.field
        distinct, inverse = np.unique(codes, return_inverse=True)
        words = [before(int(code) // len(Field), Field(int(code) % len(Field))) for code in distinct]
        return pa.array(words, pa.string()).take(pa.array(inverse.ravel()))

    def _values(self) -> Any:
        texts, result = self._texts, quoted(self._texts)
        for fields, writer in _WRITERS:
            mask = pa.array(np.isin(self.field, fields))
            chosen = texts.filter(mask)
            if len(chosen):
                result = pc.replace_with_mask(result, mask, writer(chosen))
        return result

    def _after(self) -> Any:
        lists, entries, parts = (np.append(begins[1:], True) for begins in self._begins)
        inside = self.section != Section.HEAD
        messages = COLUMNS.index("documents") != self.column
        closing = inside & (parts | entries) & (self.field != Field.PARTS)
        codes = _packed(closing, entries, entries & inside, entries & ~inside & messages, lists)
        return pa.array([after(code) for code in range(32)], pa.string()).take(pa.array(codes))


def _previous_same(*columns: Any) -> Mask:
    """Which rows are equal to the one before in all columns."""
    return _after_one(_same(*columns))


def _after_one(rows: Mask) -> Mask:
    """Which rows follow one of these."""
    return np.append(False, rows[:-1])


def _packed(*flags: Mask) -> Int:
    """Flags as one number a row, the first flag its lowest bit."""
    return np.sum([flag.astype(np.int64) << bit for bit, flag in enumerate(flags)], axis=0)
