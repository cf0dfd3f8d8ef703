"""What kind of step is a span? What OpenInference or OpenLLMetry calls it, the GenAI operation, what gives it away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tracemill.dialects import words

SPAN_TYPES: Final = (
    "other", "agent", "llm", "embedding", "tool", "retrieval", "rerank", "guardrail", "prompt", "cache", "eval",
    "postprocess", "fallback", "workflow",
)  # fmt: skip
OTHER, AGENT, LLM, EMBEDDING, TOOL, RETRIEVAL, FALLBACK = (
    SPAN_TYPES.index(name) for name in ("other", "agent", "llm", "embedding", "tool", "retrieval", "fallback")
)
_CODES: Final = {name: code for code, name in enumerate(SPAN_TYPES)}
_OF_KIND: Final = {kind: _CODES[name] for kind, name in words.TYPE_OF_KIND.items()} | _CODES
_OF_OPERATION: Final = {operation: _CODES[name] for operation, name in words.TYPE_OF_OPERATION.items()}

Codes = npt.NDArray[np.int8]


def type_codes(kinds: Any, operations: Any, tool_names: Any, models: Any) -> Codes:
    """Each span's type as an index into `SPAN_TYPES`, from four text columns (`''` = absent)."""
    guess = np.where(_filled(tool_names), TOOL, np.where(_filled(models), LLM, OTHER)).astype(np.int8)
    by_operation = _mapped(operations, _OF_OPERATION)
    by_kind = _mapped(kinds, _OF_KIND)
    return np.where(by_kind >= 0, by_kind, np.where(by_operation >= 0, by_operation, guess)).astype(np.int8)


def _mapped(column: Any, table: Mapping[str, int]) -> Codes:
    encoded = column.dictionary_encode()
    codes = np.array([table.get(word, -1) for word in encoded.dictionary.to_pylist()], np.int8)
    return codes[np.asarray(encoded.indices)]


def _filled(column: Any) -> npt.NDArray[np.bool_]:
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    return np.diff(offsets) > 0
