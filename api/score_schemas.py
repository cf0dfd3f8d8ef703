"""What do answers about scores look like, in JSON Schema?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.keeping import Status
from tracemill.scores import MAX_TEXT

_TEXT: Final = {"type": "string"}
_SCORE: Final = {
    "id": {**_TEXT, "description": "Of several of a trace with one id the latest is shown."},
    "span_id": {**_TEXT, "pattern": "^([0-9a-f]{16})?$", "description": "Empty where it is of the whole trace."},
    "name": _TEXT,
    "value": {"anyOf": [{"type": "boolean"}, {"type": "number"}, {"type": "string", "maxLength": MAX_TEXT}]},
    "comment": _TEXT,
    "author": {**_TEXT, "description": "The name of the token that it was sent with."},
    "source": {**_TEXT, "description": "`feedback`: sent to this API."},
    "at": {"type": "string", "format": "date-time"},
}
_OUTCOME: Final = {
    "status": {
        "type": "string",
        "enum": [status.value for status in Status],
        "description": (
            "`kept`: it was kept already. `requested`: it was dropped, and is stored within seconds. `gone`: it was "
            "dropped, and the log no longer has all of it. `unknown`: it has no row: if it is open, or comes within "
            "half a minute, it is kept when it closes; it may also have expired. `left`: `promote` was false."
        ),
    },
    "policy": {"type": ["string", "null"], "description": "The trace's, from then on, where that is known."},
    "log_since": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "Where it is gone: since when the log has records; null where it has none.",
    },
}


def _whole(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


SCORE_SCHEMAS: Final[Mapping[str, Any]] = {
    "Score": _whole(_SCORE),
    "Feedback": _whole({"score": {"$ref": "#/components/schemas/Score"}, "trace": _whole(_OUTCOME)}),
}
