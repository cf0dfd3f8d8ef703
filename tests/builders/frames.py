"""What is on `spans.v1`, `traces.v1` and `scores.v1`? Records as real ones are, from a seed.

A lean span has about ten attributes, one in ten has an event, one in fifty failed; a trace is an agent, two LLM calls,
a tool call, a retrieval and three plain spans.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tracemill import scores
from tracemill.schema import SPAN, SPAN_ARROW, TRACE, Kind
from tracemill.scores import FEEDBACK, Score

NOW_NS = 1_795_000_000_000_000_000
SPANS_A_TRACE = 8

_ZERO: Mapping[Kind, Any] = {
    Kind.TEXT: "",
    Kind.INTEGER: None,
    Kind.NUMBER: None,
    Kind.BOOLEAN: None,
    Kind.ATTRIBUTES: [],
    Kind.EVENTS: [],
    Kind.LINKS: [],
    Kind.TEXT_LIST: [],
}
_RESOURCE = [
    ("service.name", "shop-agent"),
    ("service.version", "2.4.1"),
    ("deployment.environment.name", "production"),
    ("host.name", "node-17"),
]
_ROLES = ("agent", "other", "llm", "tool", "retrieval", "other", "llm", "other")
_NAMES = (
    "invoke_agent support",
    "render",
    "chat gpt-4o",
    "execute_tool sql",
    "search docs",
    "GET /x",
    "chat gpt-4o",
    "POST",
)


def span(**columns: Any) -> dict[str, Any]:
    """A row of the span frame; what isn't named is absent, as a span of nothing but ids would have it."""
    row = {column.name: _ZERO.get(column.kind) for column in SPAN}
    row |= {
        "tenant": "default",
        "trace_id": b"\x01" * 16,
        "span_id": b"\x02" * 8,
        "parent_span_id": bytes(8),
        "name": "work",
        "kind": "INTERNAL",
        "status_code": "UNSET",
        "started_at": NOW_NS,
        "duration_ns": 1_000_000,
        "service_name": "shop-agent",
        "span_type": "other",
        "decision": "keep",
        "policy": "default",
        "probability": 1.0,
        "adjusted_count": 1.0,
        "revision": 1,
        "late": False,
        "version": 0,
    }
    return row | columns


def batch(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Rows of `span` as one Arrow batch."""
    return pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=SPAN_ARROW)


def span_record(*batches: pa.RecordBatch, compression: str | None = None) -> bytes:
    """Batches as a record's value on `spans.v1`: an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, SPAN_ARROW, options=options) as writer:
        for each in batches:
            writer.write_batch(each)
    return sink.getvalue().to_pybytes()


def lean_rows(traces: int, seed: int = 7, now_ns: int = NOW_NS, tenant: str = "default") -> list[dict[str, Any]]:
    """`traces` traces of eight lean spans each."""
    dice = random.Random(seed)
    return [row for number in range(traces) for row in _trace_spans(dice, number, now_ns, tenant)]


def _trace_spans(dice: random.Random, number: int, now_ns: int, tenant: str) -> list[dict[str, Any]]:
    trace_id, root = dice.randbytes(16), dice.randbytes(8)
    start = now_ns + number * 1_000_000
    rows = []
    for place, (role, name) in enumerate(zip(_ROLES, _NAMES, strict=True)):
        failed = dice.random() < 0.02
        rows.append(
            span(
                tenant=tenant,
                trace_id=trace_id,
                span_id=root if place == 0 else dice.randbytes(8),
                parent_span_id=bytes(8) if place == 0 else root,
                name=name,
                kind="SERVER" if place == 0 else "INTERNAL",
                started_at=start + place * 5_000_000,
                duration_ns=dice.randint(1_000_000, 1_000_000_000),
                status_code="ERROR" if failed else "UNSET",
                status_message="deadline exceeded" if failed else "",
                scope_name="shop.instrumentation",
                scope_version="0.9.1",
                resource_attributes=_RESOURCE,
                events=_events(dice, start),
                span_type=role,
                session_id=f"session-{number % 100}",
                user_id=f"user-{number % 1000}",
                route="/chat",
                environment="production",
                version=number // 50,
                **_meaning(dice, role, number),
            )
        )
    return rows


def _events(dice: random.Random, start: int) -> list[dict[str, Any]]:
    if dice.random() >= 0.1:
        return []
    return [{"time": start + 1_000, "name": "retry", "attributes": [("attempt", "1"), ("reason", "timeout")]}]


def _meaning(dice: random.Random, role: str, number: int) -> dict[str, Any]:
    match role:
        case "llm":
            return _llm(dice, number)
        case "tool":
            attributes = [
                ("gen_ai.tool.name", "sql"),
                ("gen_ai.tool.call.id", f"call_{number}"),
                ("db.system", "postgres"),
            ]
            return {
                "operation": "execute_tool",
                "tool_name": "sql",
                "tool_call_id": f"call_{number}",
                "tool_arguments": '{"q":"select 1"}',
                "tool_result": "x" * 100,
                "attributes": [*attributes, ("retries", "2"), ("user.id", f"user-{number % 1000}")],
            }
        case "agent":
            attributes = [
                ("gen_ai.agent.name", "support"),
                ("gen_ai.conversation.id", f"c{number}"),
                ("region", "eu-west-1"),
            ]
            return {
                "operation": "invoke_agent",
                "agent_name": "support",
                "attributes": [*attributes, ("app.version", "1.2.3"), ("tier", "gold"), ("http.route", "/chat")],
            }
        case _:
            return {"attributes": _plain(number)}


def _llm(dice: random.Random, number: int) -> dict[str, Any]:
    tokens = dice.randint(100, 3000), dice.randint(10, 500)
    question = [{"role": "user", "parts": [{"type": "text", "content": f"where is order {number}? " + "please " * 20}]}]
    answer = [{"role": "assistant", "parts": [{"type": "text", "content": "it is on its way " * 6}]}]
    return {
        "operation": "chat",
        "provider": "openai",
        "request_model": "gpt-4o",
        "response_model": "gpt-4o-2024-08-06",
        "model_params": '{"temperature":0.7}',
        "finish_reason": "stop",
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        "ttft_ms": dice.uniform(100, 900),
        "cost_usd": tokens[0] * 2.5e-6 + tokens[1] * 1e-5,
        "cost_source": "reported",
        "input_messages": json.dumps(question),
        "output_messages": json.dumps(answer),
        "attributes": [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "gpt-4o"),
            ("gen_ai.response.model", "gpt-4o-2024-08-06"),
            ("gen_ai.usage.input_tokens", str(tokens[0])),
            ("gen_ai.usage.output_tokens", str(tokens[1])),
            ("gen_ai.response.finish_reasons", '["stop"]'),
            ("gen_ai.request.temperature", "0.7"),
            ("session.id", f"session-{number % 100}"),
            ("user.id", f"user-{number % 1000}"),
        ],
    }


def _plain(number: int) -> list[tuple[str, str]]:
    return [
        ("http.request.method", "GET"),
        ("url.full", f"https://example.com/orders/{number}"),
        ("http.response.status_code", "200"),
        ("server.address", "example.com"),
        ("code.function.name", "do_it"),
        ("thread.id", "7"),
        ("cached", "true"),
        ("score", "0.5"),
        ("session.id", f"session-{number % 100}"),
        ("user.id", f"user-{number % 1000}"),
    ]


def trace(**columns: Any) -> dict[str, Any]:
    """A row of `traces.v1` as a dictionary, with everything in it that a complete trace has."""
    row = {column.name: _ZERO.get(column.kind) for column in TRACE}
    counts = {column.name: 0 for column in TRACE if column.kind is Kind.INTEGER}
    row |= counts | {
        "tenant": "default",
        "trace_id": "01" * 16,
        "revision": 1,
        "complete": True,
        "closed_by": "complete",
        "opened_at": NOW_NS,
        "root_name": "invoke_agent support",
        "root_type": "agent",
        "service_name": "shop-agent",
        "started_at": NOW_NS - 2_000_000_000,
        "duration_ms": 1500.25,
        "span_count": SPANS_A_TRACE,
        "models": ["gpt-4o"],
        "providers": ["openai"],
        "decision": "keep",
        "policy": "default",
        "probability": 1.0,
        "adjusted_count": 1.0,
        "sources": {"partition": 3, "offsets": [17, 18]},
    }
    return row | columns


def trace_record(**columns: Any) -> bytes:
    """A row of `trace` as a record's value on `traces.v1`: one JSON object."""
    return json.dumps(trace(**columns), separators=(",", ":")).encode()


def score_record(**members: Any) -> bytes:
    """The value of a record on `scores.v1`."""
    given = {"tenant": "default", "trace_id": "01" * 16, "id": "one", "span_id": "", "name": "thumbs", "value": True}
    given |= {"comment": "", "author": "ada", "source": FEEDBACK, "at_ns": NOW_NS}
    return scores.score_record(Score(**{**given, **members}))
