"""What kind of step is a span? What OpenInference or OpenLLMetry calls it, the GenAI operation, what gives it away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tracemill.dialects import tables

SPAN_TYPES: Final = (
    "other", "agent", "llm", "embedding", "tool", "retrieval", "rerank", "guardrail", "prompt", "cache", "eval",
    "postprocess", "fallback", "workflow",
)  # fmt: skip
OTHER, LLM, EMBEDDING, TOOL, RETRIEVAL, FALLBACK = (
    SPAN_TYPES.index(name) for name in ("other", "llm", "embedding", "tool", "retrieval", "fallback")
)

Codes = npt.NDArray[np.int8]


def type_codes(kinds: Any, operations: Any, tool_names: Any, models: Any) -> Codes:
    """Each span's type as an index into `SPAN_TYPES`, from four text columns (`''` = absent)."""
    guess = np.where(_filled(tool_names), TOOL, np.where(_filled(models), LLM, OTHER)).astype(np.int8)
    by_operation = _mapped(operations, tables.TYPE_OF_OPERATION)
    by_kind = _mapped(kinds, tables.TYPE_OF_KIND)
    return np.where(by_kind >= 0, by_kind, np.where(by_operation >= 0, by_operation, guess)).astype(np.int8)


def _mapped(column: Any, table: Mapping[str, str]) -> Codes:
    encoded = column.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    codes = np.array([SPAN_TYPES.index(table[word]) if word in table else -1 for word in words], np.int8)
    return codes[np.asarray(encoded.indices)]


def _filled(column: Any) -> npt.NDArray[np.bool_]:
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    return np.diff(offsets) > 0
