"""Which shape of OTLP does the columnar encoder write? From `ResourceSpans` down, with values that are no lists.

The span frame holds lists and bytes as text, so a value is a text or a number.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from tracemill import columnar
from tracemill.columnar import DOUBLE, INT64, OTLP, TEXT, Field, Messages

_MESSAGES: Final[Messages] = {
    **OTLP,
    "Value": {"string_value": Field(1, TEXT), "int_value": Field(3, INT64), "double_value": Field(4, DOUBLE)},
    "KeyValue": {"key": Field(1, TEXT), "value": Field(2, "Value")},
    "Resource": {"attributes": Field(1, "KeyValue", repeated=True)},
    "Scope": {"name": Field(1, TEXT), "version": Field(2, TEXT)},
    "ScopeSpans": {"scope": Field(1, "Scope"), "spans": Field(2, "Span", repeated=True)},
    "ResourceSpans": {"resource": Field(1, "Resource"), "scope_spans": Field(2, "ScopeSpans", repeated=True)},
}


@cache
def handlers() -> dict[str, Any]:
    """By message name, its columnar writer: see `tracemill.columnar.handlers`."""
    return columnar.handlers("tracemill.export", _MESSAGES, choices=frozenset({"Value"}))
