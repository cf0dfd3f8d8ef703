"""What is the API, in OpenAPI 3.1? Rendered from the endpoints, the parameters and the vocabulary themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api import problems
from api.bodies import Body
from api.endpoints import ENDPOINTS, Endpoint
from api.order_schemas import ORDER_SCHEMAS
from api.problems import Trouble
from api.queries import TRACE_SCORES, TRACE_SPANS
from api.questions import Parameter
from api.score_schemas import SCORE_SCHEMAS
from api.tree import NESTED
from tracemill.schema import CONTENT, SPAN, TRACE, Column, Kind

PATH: Final = "/api/v1/openapi.json"

_TEXTS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_TIME: Final = {"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00.123456789Z"]}
_ID: Final = {"type": "string", "pattern": "^[0-9a-f]*$"}
_KINDS: Final[Mapping[Kind, Mapping[str, Any]]] = {
    Kind.TEXT: {"type": "string"},
    Kind.IDENTIFIER: _ID,
    Kind.INTEGER: {"type": ["integer", "null"], "format": "int64"},
    Kind.NUMBER: {"type": ["number", "null"], "format": "double"},
    Kind.BOOLEAN: {"type": ["boolean", "null"]},
    Kind.TIME: _TIME,
    Kind.TEXT_LIST: {"type": "array", "items": {"type": "string"}},
    Kind.ATTRIBUTES: _TEXTS,
    Kind.EVENTS: {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["time", "name", "attributes"],
            "properties": {"time": _TIME, "name": {"type": "string"}, "attributes": _TEXTS},
        },
    },
    Kind.LINKS: {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["trace_id", "span_id", "trace_state", "attributes"],
            "properties": {"trace_id": _ID, "span_id": _ID, "trace_state": {"type": "string"}, "attributes": _TEXTS},
        },
    },
    Kind.SOURCES: {
        "type": "object",
        "required": ["partition", "offsets"],
        "properties": {
            "partition": {"type": "integer"},
            "offsets": {"type": "array", "items": {"type": "integer", "format": "int64"}},
        },
    },
}
_OPTIONAL: Final = frozenset(column.name for column in CONTENT)


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tracemill",
            "version": "1",
            "summary": "Whole, decided LLM traces and their spans.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-tracemill-key"},
            },
        },
        "security": [{"bearer": []}, {"key": []}, {}],
    }


def _paths() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return paths


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    in_path = [_IN_PATH[name] for name in _IN_PATH if f"{{{name}}}" in endpoint.path]
    body = {"requestBody": _body(endpoint.body)} if endpoint.body else {}
    return body | {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": endpoint.doc,
        "parameters": [*in_path, *map(_parameter, endpoint.parameters)],
        "responses": {
            str(endpoint.status): _answer(
                f"#/components/schemas/{endpoint.answer}", "application/json", endpoint.summary
            ),
            **_refusals(endpoint),
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    """An empty one counts as not given, as forms send it."""
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.doc,
        "allowEmptyValue": True,
        "schema": dict(parameter.schema),
    }


def _body(model: type[Body]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _bodies() -> dict[str, Any]:
    """The models of all bodies, and what they are made of."""
    found: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        if endpoint.body:
            schema = endpoint.body.model_json_schema(ref_template="#/components/schemas/{model}")
            found |= schema.pop("$defs", {}) | {endpoint.body.__name__: schema}
    return found


def _in_path(name: str, doc: str, pattern: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "path", "required": True, "description": doc, "schema": schema}


_IN_PATH: Final = {
    "trace_id": _in_path("trace_id", "32 hex digits.", "^[0-9a-fA-F]{32}$"),
    "override_id": _in_path("override_id", "As the list of overrides has it.", "^[0-9a-f]{12}$"),
}
_OF_BODIES: Final = frozenset({Trouble.BAD_BODY, Trouble.BODY_TOO_LARGE, Trouble.NOT_JSON})
_OF_ORDERS: Final = frozenset({Trouble.LIMIT_REACHED, Trouble.GONE})


def _refusals(endpoint: Endpoint) -> dict[str, Any]:
    """Every status that isn't an answer, with what it can mean here."""
    never = {Trouble.METHOD_NOT_ALLOWED}
    never |= set() if "{" in endpoint.path else {Trouble.NOT_FOUND}
    never |= set() if endpoint.body else _OF_BODIES | _OF_ORDERS
    meanings: dict[int, list[Trouble]] = {}
    for trouble in Trouble:
        if trouble not in never:
            meanings.setdefault(trouble.status, []).append(trouble)
    return {
        str(status): _answer(
            "#/components/schemas/Problem",
            problems.MEDIA_TYPE,
            ". ".join(trouble.title for trouble in troubles) + ".",
        )
        for status, troubles in meanings.items()
    }


def _answer(schema: str, media: str, doc: str) -> dict[str, Any]:
    return {"description": doc, "content": {media: {"schema": {"$ref": schema}}}}


def _schemas() -> dict[str, Any]:
    return {
        "TraceRow": _row(TRACE),
        "Span": _row(SPAN),
        "Traces": _listed("traces", "TraceRow"),
        "Spans": _listed("spans", "Span"),
        "SpanNode": _node(),
        "Trace": _trace(),
        **ORDER_SCHEMAS,
        **SCORE_SCHEMAS,
        **_bodies(),
        "Problem": _problem(),
    }


def _row(columns: Iterable[Column]) -> dict[str, Any]:
    columns = tuple(columns)
    return {
        "type": "object",
        "required": [column.name for column in columns if column.name not in _OPTIONAL],
        "properties": {
            column.name: {**_KINDS[column.kind], **({"description": column.doc} if column.doc else {})}
            for column in columns
        },
    }


def _listed(name: str, row: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name, "next_cursor", "from", "to"],
        "properties": {
            name: {"type": "array", "items": {"$ref": f"#/components/schemas/{row}"}},
            "next_cursor": {"type": ["string", "null"], "description": "Null on the last page."},
            "from": _TIME,
            "to": _TIME,
        },
    }


def _node() -> dict[str, Any]:
    more = {
        "depth": {"type": "integer", "minimum": 0, "description": f"Levels beyond {NESTED} are nested no further."},
        "orphan": {"type": "boolean", "description": "Its parent isn't there."},
        "children": {"type": "array", "items": {"$ref": "#/components/schemas/SpanNode"}},
    }
    return {
        "allOf": [
            {"$ref": "#/components/schemas/Span"},
            {"type": "object", "required": list(more), "properties": more},
        ]
    }


def _trace() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["trace", "spans", "truncated", "scores"],
        "properties": {
            "trace": {"oneOf": [{"$ref": "#/components/schemas/TraceRow"}, {"type": "null"}]},
            "spans": {"type": "array", "items": {"$ref": "#/components/schemas/SpanNode"}},
            "truncated": {
                "type": "boolean",
                "description": f"It has more spans than the {TRACE_SPANS:,} earliest, which are here.",
            },
            "scores": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/Score"},
                "description": f"The {TRACE_SCORES} latest.",
            },
        },
    }


def _problem() -> dict[str, Any]:
    pointer = {
        "type": "object",
        "required": ["start", "end", "text", "lines"],
        "properties": {
            "start": {"type": "integer"},
            "end": {"type": "integer"},
            "text": {"type": "string"},
            "lines": {"type": "array", "items": {"type": "string"}},
        },
    }
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "enum": [problems.TYPE_PREFIX + trouble.slug for trouble in Trouble]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "parameter": {"type": "string"},
            "log_since": {"type": ["string", "null"], "format": "date-time"},
            "known": {"type": "array", "items": {"type": "string"}},
            "pointer": pointer,
        },
    }
