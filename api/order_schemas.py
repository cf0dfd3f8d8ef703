"""What do answers about orders and rules look like, in JSON Schema?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time"}
_COUNT: Final = {"type": "integer", "format": "int64", "minimum": 0}


def _whole(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


_OVERRIDE: Final = {
    "id": _TEXT,
    "of": {"type": "string", "enum": ["user_id", "session_id", "service_name", "tenant"]},
    "value": _TEXT,
    "policy": {**_TEXT, "description": "Of the traces that it keeps."},
    "until": _TIME,
    "in_force": {"type": "boolean"},
    "by": {**_TEXT, "description": "The name of the token that it was ordered with."},
    "at": _TIME,
    "why": _TEXT,
    "revoked_by": {"type": ["string", "null"]},
    "revoked_at": {"type": ["string", "null"], "format": "date-time"},
}
_POLICY: Final = {
    "policy": _TEXT,
    "traces": {**_COUNT, "description": "Decided by it, kept or dropped."},
    "kept": _COUNT,
    "spans": _COUNT,
    "kept_spans": _COUNT,
    "bytes": {**_COUNT, "description": "Of their spans, as they lie in the log."},
    "kept_bytes": _COUNT,
    "share": {"type": "number", "minimum": 0, "maximum": 1, "description": "Of the traces, how many were kept."},
}

ORDER_SCHEMAS: Final[Mapping[str, Any]] = {
    "Promotion": _whole(
        {
            "trace_id": _TEXT,
            "status": {
                "type": "string",
                "enum": ["requested", "kept"],
                "description": "`kept`: it was kept already, nothing changes.",
            },
            "policy": {**_TEXT, "description": "Its policy, from then on."},
        }
    ),
    "Override": _whole(_OVERRIDE),
    "Overrides": _whole({"overrides": {"type": "array", "items": {"$ref": "#/components/schemas/Override"}}}),
    "Policy": _whole(_POLICY),
    "Rules": _whole(
        {
            "hash": {**_TEXT, "description": "Empty where no rules were ever applied: every trace is kept."},
            "rules": {
                "type": ["object", "null"],
                "description": (
                    "As a rules file has them. Null where none were applied, and where tokens are of several tenants: "
                    "rules may name any of them. The operator has `tracemill rules show`."
                ),
            },
            "policies": {"type": "array", "items": {"$ref": "#/components/schemas/Policy"}},
            "from": _TIME,
            "to": _TIME,
        }
    ),
}
