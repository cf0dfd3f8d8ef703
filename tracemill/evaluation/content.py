"""What was said on a span? Messages, tool arguments and results, documents: long text, read for some spans only.

An attribute of the conventions says it, or flattened ones, or one of many meanings on a span of a certain type, or
events: the first of these that a span has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracemill.decode.attributes import ABSENT, texts
from tracemill.decode.nested import Recorded, mentioned
from tracemill.dialects import flattened, pydantic_ai, spoken, tables
from tracemill.dialects.classify import AGENT, LLM, SPAN_TYPES, TOOL
from tracemill.dialects.json_text import quoted, unquoted
from tracemill.dialects.places import COLUMNS as FLATTENED
from tracemill.frame import Frame

Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NAMES: Final = tuple(tables.CONTENT)
_SPEAKERS: Final = {"input_messages": "user", "output_messages": "assistant"}
_TOLD: Final = (
    (spoken.of_calls, spoken.COLUMNS, (LLM, AGENT)),
    (spoken.of_tools, ("tool_arguments", "tool_result"), (TOOL,)),
)
"""Who reads events, for spans of which types that lack which columns."""


def columns(frame: Frame, rows: Int, names: Sequence[str] = NAMES) -> dict[str, Any]:
    """Content columns of the spans at `rows` (ascending), `''` where a span has none."""
    attributes = frame.spans.attributes
    sent = {name: None if at is None else at[rows] for name, at in _positions(frame, names).items()}
    result = texts(attributes.values, sent, len(rows))
    lists = flattened.find(attributes, rows) if set(names) & set(FLATTENED) else None
    if lists:
        _fill(result, lists.texts(rows))
    for name, positions in _of_type(frame, names).items():
        _fill(result, {name: _as_sent(name, attributes.values.column(positions[rows]))})
    if "tool_result" in result:
        result["tool_result"] = unquoted(result["tool_result"])
    _fill_from_events(frame, rows, result)
    return _plain(frame, rows, result)


def moved(frame: Frame) -> Mask:
    """For each attribute of the frame, whether a content column holds it."""
    attributes = frame.spans.attributes
    result = attributes.matching(keys[0] for keys in tables.CONTENT.values())
    chosen = [frame.kept.first(keys) for keys in tables.CONTENT.values() if attributes.known(keys[1:])]
    for positions in (*chosen, *_of_type(frame, tuple(tables.CONTENT_OF_TYPE)).values()):
        if positions is not None:
            result[positions[positions != ABSENT]] = True
    lists = flattened.held(attributes)
    return result if lists is None else result | lists


def _positions(frame: Frame, names: Sequence[str]) -> dict[str, Int | None]:
    """Where the value of each column is, for every span of the frame."""
    return {name: frame.kept.first(tables.CONTENT[name]) for name in names}


def _of_type(frame: Frame, names: Sequence[str]) -> dict[str, Int]:
    """Where values of many meanings are that columns hold on spans of a type, if nothing else gives them."""
    result = {}
    for name, (types, keys) in tables.CONTENT_OF_TYPE.items():
        more = frame.kept.first(keys) if name in names else None
        if more is not None:
            taken = np.isin(frame.type_code, [SPAN_TYPES.index(span_type) for span_type in types])
            own = frame.kept.first(tables.CONTENT[name])
            taken &= True if own is None else own == ABSENT
            if name in FLATTENED:
                taken &= ~flattened.holders(frame.spans.attributes, FLATTENED.index(name))
            result[name] = np.where(taken, more, ABSENT)
    return result


def _fill(result: dict[str, Any], more: dict[str, Any]) -> None:
    """Fill up the columns that there are."""
    for name, column in more.items():
        if name in result:
            result[name] = pc.if_else(pc.equal(result[name], ""), column, result[name])


def _as_sent(name: str, column: Any) -> Any:
    """A column of texts, as a message each where the column holds messages."""
    if name not in _SPEAKERS:
        return column
    there = pc.not_equal(column, "")
    said = quoted(unquoted(column.filter(there)))
    before = f'[{{"role":"{_SPEAKERS[name]}","parts":[{{"type":"text","content":'
    return pc.replace_with_mask(column, there, pc.binary_join_element_wise(before, said, "}]}]", ""))


def _fill_from_events(frame: Frame, rows: Int, result: dict[str, Any]) -> None:
    """Fill up what spans lack of what is said on spans of their type from their events."""
    if not mentioned(frame.spans.events, spoken.MENTIONS):
        return
    recorded = np.diff(np.asarray(frame.spans.events.offsets))[rows] > 0
    for told, names, types in _TOLD:
        lacking = [np.asarray(pc.equal(result[name], "")) for name in names if name in result]
        if not lacking:
            continue
        some = np.nonzero(recorded & np.isin(frame.type_code[rows], types) & np.any(lacking, axis=0))[0]
        if not len(some):
            continue
        place = np.full(len(rows), len(some))
        place[some] = np.arange(len(some))
        more = told(Recorded.of(frame.spans.events, rows[some]))
        nothing = pa.array([""], pa.string())
        _fill(result, {name: pa.concat_arrays([more[name], nothing]).take(pa.array(place)) for name in more})


def _plain(frame: Frame, rows: Int, result: dict[str, Any]) -> dict[str, Any]:
    """The columns without what is odd about one instrumentation's."""
    odd = np.array([origin.scope_name == pydantic_ai.SCOPE for origin in frame.origins], np.bool_)
    if not odd.any():
        return result
    mask = pa.array(odd[frame.origin[rows]])
    for name in _SPEAKERS:
        if name in result:
            written = pydantic_ai.with_arguments(result[name].filter(mask))
            result[name] = pc.replace_with_mask(result[name], mask, written)
    return result
