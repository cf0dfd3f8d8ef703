"""Requests in JSON: a refusal or protobuf that upb reads; and where protobuf's own JSON reads it too, the same."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any, Final

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.builders.otlp import in_json
from tests.fuzz.mutating import change_json
from tests.fuzz.seeds import requests
from tests.fuzz.target import Target
from tracemill.errors import Malformed
from tracemill.otlp.from_json import to_protobuf

_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})
_WORDS: Final = (
    "resourceSpans", "scopeSpans", "spans", "traceId", "spanId", "attributes", "key", "value", "stringValue",
    "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue", "values", "null", "true",
    "1e400", "-0", "0.1", "9223372036854775808", "\\u0000", "\\ud800", '":{"', '":["', "NaN", "events", "links",
)  # fmt: skip


def check_json(body: bytes) -> None:
    """Compare what is made of a body with what protobuf's own JSON says of it."""
    try:
        written = to_protobuf(body)
    except Malformed as error:
        assert str(error)
        return
    found = ExportTraceServiceRequest.FromString(written)
    oracle = _as_protobuf_says(body)
    if oracle is not None:
        assert found.SerializeToString(deterministic=True) == oracle.SerializeToString(deterministic=True)


def _as_protobuf_says(body: bytes) -> ExportTraceServiceRequest | None:
    """None where protobuf's JSON is stricter than OTLP's."""
    try:
        return json_format.ParseDict(_in_its_words(json.loads(body)), ExportTraceServiceRequest(), True)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def _in_its_words(value: Any) -> Any:
    """Ids in base64, and names that OTLP may know: none has an underscore, and upb fails on some that aren't ASCII."""
    if isinstance(value, list):
        return [_in_its_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    known = {key: inner for key, inner in value.items() if "_" not in key and key.isidentifier()}
    return {
        key: b64encode(bytes.fromhex(inner)).decode()
        if key in _IDS and isinstance(inner, str)
        else _in_its_words(inner)
        for key, inner in known.items()
    }


TARGET: Final = Target(
    check_json,
    lambda: (in_json(one) for one in requests()),
    tuple(word.encode() for word in _WORDS),
    change=change_json,
    largest_bytes=8_192,
)
