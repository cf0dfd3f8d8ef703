"""What was said on a span? Messages, tool arguments and results, documents: long text, read for some spans only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from tracemill.decode.attributes import ABSENT, texts
from tracemill.dialects import flattened, tables
from tracemill.dialects.classify import SPAN_TYPES
from tracemill.dialects.openinference import COLUMNS as FLATTENED
from tracemill.frame import Frame

Int = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NAMES: Final = tuple(tables.CONTENT)
_KEYS: Final = (
    *(key for keys in tables.CONTENT.values() for key in keys),
    *dict.fromkeys(key for _, keys in tables.CONTENT_OF_TYPE.values() for key in keys),
)


def columns(frame: Frame, rows: Int, names: Sequence[str] = NAMES) -> dict[str, Any]:
    """Content columns of the spans at `rows` (ascending), `''` where a span has none."""
    attributes = frame.spans.attributes
    found = _positions(frame, names)
    taken = {name: None if at is None else at[rows] for name, at in found.items()}
    result = texts(attributes.values, taken, len(rows))
    lists = flattened.find(attributes, rows) if set(names) & set(FLATTENED) else None
    if lists:
        for name, more in lists.texts(rows).items():
            if name in names:
                result[name] = pc.if_else(pc.equal(result[name], ""), more, result[name])
    return result


def moved(frame: Frame) -> Mask:
    """For each attribute of the frame, whether a content column holds it."""
    attributes = frame.spans.attributes
    result = attributes.matching(key for keys in tables.CONTENT.values() for key in keys)
    for positions in _positions(frame, tuple(tables.CONTENT_OF_TYPE)).values():
        if positions is not None:
            result[positions[positions != ABSENT]] = True
    lists = flattened.held(attributes)
    return result if lists is None else result | lists


def _positions(frame: Frame, names: Sequence[str]) -> dict[str, Int | None]:
    """Where the value of each column is, for every span of the frame."""
    index = frame.spans.attributes.index(_KEYS)
    result = {name: index.first(tables.CONTENT[name]) for name in names}
    for name, (span_type, keys) in tables.CONTENT_OF_TYPE.items():
        more = index.first(keys) if name in names else None
        if more is not None:
            more = np.where(frame.type_code == SPAN_TYPES.index(span_type), more, ABSENT)
            own = result[name]
            result[name] = more if own is None else np.where(own != ABSENT, own, more)
    return result
