"""What do the events of a span say of how it went? Why it failed, when an answer began and why it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracemill.decode.nested import Recorded, mentioned
from tracemill.decode.spans import Spans
from tracemill.dialects import spoken
from tracemill.dialects.usage import Number

Mask = npt.NDArray[np.bool_]

FIRST_CHUNK: Final = ("First Token Stream Event", "gen_ai.content.completion.chunk", "llm.content.completion.chunk")
"""Events that say when an answer began: OpenInference's, and the first of OpenLLMetry's, now and before."""

_EXCEPTION: Final = "exception.type"
_NS_PER_MS: Final = 1_000_000


def filled(
    spans: Spans, failed: Mask, calls: Mask, text: Mapping[str, Any], ttft_ms: Number
) -> tuple[dict[str, Any], Number]:
    """The text columns `error_type` and `finish_reason`, and the times to the first token, what is missing filled up.

    Args:
        spans: whose events are read.
        failed: which of them failed: the type of the exception that was recorded last is then their error.
        calls: which of them are calls of a model, of which the rest is asked.
        text: the text columns so far.
        ttft_ms: the times to the first token so far.
    """
    recorded = np.diff(np.asarray(spans.events.offsets)) > 0
    failed = recorded & failed & _empty(text["error_type"])
    untimed = _worth(recorded & calls & ~ttft_ms[1], spans, FIRST_CHUNK)
    endless = _worth(recorded & calls & _empty(text["finish_reason"]), spans, (spoken.REASON,))
    rows = np.nonzero(failed | untimed | endless)[0]
    if not len(rows):
        return dict(text), ttft_ms
    events = Recorded.of(spans.events, rows)
    more = {
        "error_type": _replaced(text["error_type"], failed, rows, events.last(_EXCEPTION)),
        "finish_reason": _replaced(text["finish_reason"], endless, rows, spoken.reasons_of(events)),
    }
    return {**text, **more}, _waited(ttft_ms, untimed, rows, events.first_ns(FIRST_CHUNK), spans.start_ns[rows])


def _empty(column: Any) -> Mask:
    return np.asarray(pc.equal(column, ""))


def _worth(asked: Mask, spans: Spans, names: tuple[str, ...]) -> Mask:
    """`asked`, or nothing where no event says anything of it."""
    return asked if asked.any() and mentioned(spans.events, names) else np.zeros_like(asked)


def _replaced(column: Any, missing: Mask, rows: npt.NDArray[np.int64], found: Any) -> Any:
    """A text column, at `missing` what was found; `rows` says of which spans it was found."""
    return pc.replace_with_mask(column, pa.array(missing), found.filter(pa.array(missing[rows])))


def _waited(ttft_ms: Number, missing: Mask, rows: Any, first_ns: Any, start_ns: Any) -> Number:
    timed = missing[rows] & (first_ns > 0)
    values, known = ttft_ms[0].copy(), ttft_ms[1].copy()
    values[rows[timed]] = np.maximum(first_ns - start_ns, 0)[timed] / _NS_PER_MS
    known[rows[timed]] = True
    return values, known
