"""Which columns does a span have, and which a trace? The one vocabulary of rules, topics, store and API.

Text is never null: what is absent is `''`. Numbers, booleans and times may be null. Names are snake_case with the
unit in the name. `tracemill.spans.v1` carries the span frame as an Arrow IPC stream of `SPAN_ARROW`;
`tracemill.traces.v1` carries one JSON object of the trace row's columns a record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa


class Kind(StrEnum):
    """What a column holds, the same on every engine."""

    TEXT = "text"
    IDENTIFIER = "identifier"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"
    TEXT_LIST = "text_list"
    ATTRIBUTES = "attributes"
    EVENTS = "events"
    LINKS = "links"
    SOURCES = "sources"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, what it holds, and what it means."""

    name: str
    kind: Kind
    doc: str


_TEXT, _INT, _NUM, _BOOL = Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN

IDENTITY: Final = (
    Column("tenant", _TEXT, "Whose span it is, set by the ingester."),
    Column("trace_id", Kind.IDENTIFIER, "32 lower-case hex digits (16 bytes in Arrow)."),
    Column("span_id", Kind.IDENTIFIER, "16 lower-case hex digits (8 bytes in Arrow)."),
    Column("parent_span_id", Kind.IDENTIFIER, "Empty for a root."),
    Column("trace_state", _TEXT, "W3C tracestate."),
    Column("name", _TEXT, "The span's name."),
    Column("kind", _TEXT, "UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER or CONSUMER."),
    Column("started_at", Kind.TIME, "Start, UTC, nanoseconds."),
    Column("duration_ns", _INT, "End minus start; 0 where the end is before the start."),
    Column("status_code", _TEXT, "UNSET, OK or ERROR."),
    Column("status_message", _TEXT, ""),
    Column("service_name", _TEXT, "Resource attribute service.name."),
    Column("scope_name", _TEXT, "Instrumentation scope."),
    Column("scope_version", _TEXT, ""),
    Column("resource_attributes", Kind.ATTRIBUTES, "As sent; values as text."),
    Column("attributes", Kind.ATTRIBUTES, "As sent, apart from what became a content column; values as text."),
    Column("events", Kind.EVENTS, "Time, name and attributes of each."),
    Column("links", Kind.LINKS, "Trace id, span id, tracestate and attributes of each."),
)

MEANING: Final = (
    Column("span_type", _TEXT, "agent, llm, embedding, tool, retrieval, rerank, guardrail, prompt, … or other."),
    Column("operation", _TEXT, "gen_ai.operation.name, or what the dialect says instead."),
    Column("provider", _TEXT, "openai, anthropic, …"),
    Column("request_model", _TEXT, ""),
    Column("response_model", _TEXT, ""),
    Column("model_params", _TEXT, "JSON of the request's parameters."),
    Column("finish_reason", _TEXT, "The first choice's."),
    Column("session_id", _TEXT, ""),
    Column("user_id", _TEXT, ""),
    Column("route", _TEXT, "The root's http.route, else its name."),
    Column("environment", _TEXT, "deployment.environment.name."),
    Column("agent_name", _TEXT, ""),
    Column("tool_name", _TEXT, ""),
    Column("tool_call_id", _TEXT, ""),
    Column("prompt_id", _TEXT, ""),
    Column("prompt_version", _TEXT, ""),
    Column("git_sha", _TEXT, ""),
    Column("config_bundle_id", _TEXT, ""),
    Column("cache_hit", _BOOL, "Answered from a cache."),
    Column("retry_of", _TEXT, "Span id of the attempt that this one repeats."),
    Column("error_type", _TEXT, "error.type, or the exception's type."),
)

NUMBERS: Final = (
    Column("input_tokens", _INT, "Cached tokens included."),
    Column("output_tokens", _INT, "Reasoning included."),
    Column("cache_read_tokens", _INT, ""),
    Column("cache_write_tokens", _INT, ""),
    Column("reasoning_tokens", _INT, ""),
    Column("audio_tokens", _INT, ""),
    Column("cost_usd", _NUM, ""),
    Column("cost_source", _TEXT, "reported, or empty."),
    Column("ttft_ms", _NUM, "Time to the first token."),
)

CONTENT: Final = (
    Column("input_messages", _TEXT, "JSON."),
    Column("output_messages", _TEXT, "JSON."),
    Column("system_instructions", _TEXT, "JSON."),
    Column("tool_arguments", _TEXT, "JSON."),
    Column("tool_result", _TEXT, "JSON."),
    Column("retrieval_query", _TEXT, ""),
    Column("documents", _TEXT, "JSON."),
)

VERDICT: Final = (
    Column("decision", _TEXT, "keep or drop."),
    Column("policy", _TEXT, "What decided: a rule, `default`, `override:…`, `promoted:…` or `stale`."),
    Column("probability", _NUM, "With which a trace like this one is kept."),
    Column("adjusted_count", _NUM, "How many traces this one stands for."),
    Column("revision", _INT, "Of the trace that this row was written with."),
    Column("late", _BOOL, "It came after its trace had been decided."),
    Column("version", _INT, "Offset of the record that caused the row."),
)

SPAN: Final = (*IDENTITY, *MEANING, *NUMBERS, *CONTENT, *VERDICT)

ROUTE_P95: Final = "route_p95_ms"

TRACE: Final = (
    Column("tenant", _TEXT, ""),
    Column("trace_id", Kind.IDENTIFIER, "32 lower-case hex digits."),
    Column("revision", _INT, "1 for the first decision, one more each time late spans change it."),
    Column("complete", _BOOL, "Its root has ended and it has been quiet since."),
    Column("closed_by", _TEXT, "complete, idle, max_age, max_spans or memory."),
    Column("opened_at", Kind.TIME, "Log time of its first record; never changes."),
    Column("root_name", _TEXT, ""),
    Column("root_type", _TEXT, ""),
    Column("service_name", _TEXT, "The root's, or the earliest span's."),
    Column("route", _TEXT, ""),
    Column("environment", _TEXT, ""),
    Column("session_id", _TEXT, "The first that a span names."),
    Column("user_id", _TEXT, "The first that a span names."),
    Column("started_at", Kind.TIME, "The earliest start."),
    Column("duration_ms", _NUM, "Latest end minus earliest start."),
    Column("ttft_ms", _NUM, "Of the first LLM call that has one."),
    Column("span_count", _INT, "Distinct span ids."),
    Column("depth", _INT, "Spans on the longest path from a root."),
    Column("hops", _INT, "Parent-child edges between different services."),
    Column("llm_calls", _INT, ""),
    Column("tool_calls", _INT, ""),
    Column("retrievals", _INT, ""),
    Column("error_count", _INT, "Spans with status ERROR."),
    Column("tool_error_count", _INT, ""),
    Column("retry_count", _INT, ""),
    Column("fallback_count", _INT, ""),
    Column("input_tokens", _INT, "Summed over LLM and embedding calls."),
    Column("output_tokens", _INT, ""),
    Column("cache_read_tokens", _INT, ""),
    Column("cost_usd", _NUM, ""),
    Column("models", Kind.TEXT_LIST, "Sorted, distinct, at most 16."),
    Column("providers", Kind.TEXT_LIST, "Sorted, distinct, at most 16."),
    Column("orphans", _INT, "Spans whose parent never came."),
    Column("size_bytes", _INT, "Of its spans as they lie in the log."),
    Column(ROUTE_P95, _NUM, "95th percentile of its route's durations before, where a rule asks for it."),
    Column("decision", _TEXT, "keep or drop."),
    Column("policy", _TEXT, "What decided: a rule, `default`, `override:…`, `promoted:…` or `stale`."),
    Column("probability", _NUM, "With which a trace like this one is kept."),
    Column("adjusted_count", _NUM, "How many traces this one stands for; 0 if it was dropped, or promoted by hand."),
    Column("version", _INT, "Offset of the record that caused the row."),
    Column("sources", Kind.SOURCES, "Partition, and offsets of the records it came from (at most 64)."),
)

SPAN_KINDS: Final[Mapping[str, Kind]] = MappingProxyType({column.name: column.kind for column in SPAN})
TRACE_KINDS: Final[Mapping[str, Kind]] = MappingProxyType({column.name: column.kind for column in TRACE})

_ATTRIBUTES: Final = pa.map_(pa.string(), pa.string())
_TIME: Final = pa.timestamp("ns", tz="UTC")

_ARROW: Final[Mapping[Kind, Any]] = MappingProxyType(
    {
        Kind.TEXT: pa.string(),
        Kind.INTEGER: pa.int64(),
        Kind.NUMBER: pa.float64(),
        Kind.BOOLEAN: pa.bool_(),
        Kind.TIME: _TIME,
        Kind.TEXT_LIST: pa.list_(pa.string()),
        Kind.ATTRIBUTES: _ATTRIBUTES,
        Kind.EVENTS: pa.list_(pa.struct({"time": _TIME, "name": pa.string(), "attributes": _ATTRIBUTES})),
        Kind.LINKS: pa.list_(
            pa.struct(
                {
                    "trace_id": pa.binary(16),
                    "span_id": pa.binary(8),
                    "trace_state": pa.string(),
                    "attributes": _ATTRIBUTES,
                }
            )
        ),
    }
)
_ID_BYTES: Final = MappingProxyType({"trace_id": 16, "span_id": 8, "parent_span_id": 8})


def _arrow_type(column: Column) -> Any:
    return pa.binary(_ID_BYTES[column.name]) if column.kind is Kind.IDENTIFIER else _ARROW[column.kind]


SPAN_ARROW: Final = pa.schema([pa.field(column.name, _arrow_type(column)) for column in SPAN])
"""The schema of `spans.v1`. `parent_span_id` is eight zero bytes for a root."""

MAX_SOURCES: Final = 64
MAX_NAMES: Final = 16
