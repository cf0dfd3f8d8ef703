"""One trace that says whatever OTLP can say: every kind of value, two services, what an agent does and how it fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from tests.builders.bundles import any_value
from tests.builders.otlp import span, span_id

TRACE_ID: Final = bytes.fromhex("5b8aa5a2d2c872e8c0ffee00facade01")
START_NS: Final = 1_795_000_000_123_456_789
"""Not a whole microsecond, which is all that a `datetime` holds."""

_SAMPLED_BY_HALF = "ot=th:8,vendor=a b"
_ERROR, _OK = 2, 1
_EVERY_KIND: Mapping[str, object] = {
    "text": "grüße, 世界 \U0001f600 \t\"'\\ \n</script>",
    "text.empty": "",
    "yes": True,
    "no": False,
    "least": -(2**63),
    "most": 2**63 - 1,
    "share": 0.1,
    "huge": 1e308,
    "minus zero": -0.0,
    "infinite": float("-inf"),
    "nan": float("nan"),
    "bytes": bytes(range(256)),
    "bytes.empty": b"",
    "list": [1, "zwei", 3.5, False, b"\x00\xff", [[], {}], {"deep": [{"er": [None]}]}],
    "list.empty": [],
    "map": {"a": {"b": {"c": [1, {"d": "ö"}]}}, "": "", "bytes": b"\xfe"},
    "map.empty": {},
}


def attributes(values: Mapping[str, object]) -> list[KeyValue]:
    """Attributes from Python values; None is a value that isn't set."""
    return [KeyValue(key=key, value=AnyValue() if value is None else any_value(value)) for key, value in values.items()]


def rich_trace() -> ExportTraceServiceRequest:
    """Fourteen spans of one trace, of three resources and five scopes, in one request."""
    agent = {"service.name": "support-agent", "deployment.environment.name": "prüfung", "git.sha": "0a1b2c", "n": [1]}
    knowledge = {"service.name": "knowledge", "config.bundle_id": "b-7", "host.id": b"\x01\x02"}
    return ExportTraceServiceRequest(
        resource_spans=[
            _resource(agent, [_scope("agents", "1.2.3", _work()), _scope("llm", "", _calls())], dropped=3),
            _resource(knowledge, [_scope("search", "9", _searches()), _scope("", "", _oddities())]),
            ResourceSpans(scope_spans=[ScopeSpans(spans=[_step(13, 0, "from nobody")])]),
        ]
    )


def _resource(values: Mapping[str, object], scopes: list[ScopeSpans], dropped: int = 0) -> ResourceSpans:
    resource = Resource(attributes=attributes(values), dropped_attributes_count=dropped)
    return ResourceSpans(resource=resource, scope_spans=scopes, schema_url="https://example.org/schemas/1.40")


def _scope(name: str, version: str, spans: list[Span]) -> ScopeSpans:
    scope = InstrumentationScope(
        name=name, version=version, attributes=attributes({"of": "scope"}), dropped_attributes_count=1
    )
    return ScopeSpans(scope=scope, spans=spans, schema_url="https://example.org/schemas/1.41")


def _step(number: int, parent: int | None, name: str, values: Mapping[str, object] = {}, **more: Any) -> Span:
    """A span that starts and ends in milliseconds of its own."""
    times = {
        "start_time_unix_nano": START_NS + number * 1_000_001,
        "end_time_unix_nano": START_NS + (30 - number) * 1_000_003,
    }
    rest = times | {"trace_state": _SAMPLED_BY_HALF, "attributes": attributes(values)} | more
    return span(0, number, parent, trace_id=TRACE_ID, name=name, **rest)


def _work() -> list[Span]:
    """The agent, a tool that fails, and a span with every kind of value, event and link."""
    root = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper", "http.route": "/answer/{id}"}
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "sql",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.call.arguments": json.dumps({"query": "SELECT 'ä'"}),
        "gen_ai.tool.call.result": {"rows": [1, None]},
        "error.type": "timeout",
    }
    dropped = {"dropped_attributes_count": 1, "dropped_events_count": 2, "dropped_links_count": 2**32 - 1}
    return [
        _step(0, None, "answer", root | {"session.id": "s-1", "user.id": "ü-2"}, kind=2, flags=0x101),
        _step(5, 0, "execute_tool sql", tool, kind=1, status=Status(code=_ERROR, message="zu spät")),
        _step(6, 0, "every kind", _EVERY_KIND, kind=5, events=_events(), links=_links(), **dropped),
    ]


def _events() -> list[Span.Event]:
    cause = {"exception.type": "TimeoutError", "exception.message": "nach 5 s", "exception.stacktrace": "a\nb"}
    return [
        Span.Event(time_unix_nano=START_NS + 7, name="exception", attributes=attributes(cause)),
        Span.Event(time_unix_nano=0, name="", attributes=attributes(_EVERY_KIND), dropped_attributes_count=5),
    ]


def _links() -> list[Span.Link]:
    twice = [*attributes({"why": "first"}), *attributes({"why": "second"})]
    return [
        Span.Link(trace_id=TRACE_ID, span_id=span_id(2), trace_state="a=1,b=2", attributes=twice, flags=0x301),
        Span.Link(trace_id=bytes(15) + b"\x01", span_id=span_id(99), dropped_attributes_count=4),
    ]


def _calls() -> list[Span]:
    """Three calls whose costs have another sum in another order, the second a retry of the first; an embedding."""
    chat = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1"}
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Größe?"}]}]
    said = [{"role": "assistant", "parts": [{"type": "text", "content": "groß"}], "finish_reason": "stop"}]
    answered = chat | {
        "gen_ai.response.model": "gpt-4.1-2026",
        "gen_ai.response.finish_reasons": ["stop", "length"],
        "gen_ai.response.time_to_first_chunk": 0.125,
        "gen_ai.input.messages": asked,
        "gen_ai.output.messages": json.dumps(said, ensure_ascii=False),
        "gen_ai.system_instructions": [{"type": "text", "content": "sei kurz"}],
        "gen_ai.usage.input_tokens": 101,
        "gen_ai.usage.output_tokens": 11,
        "gen_ai.usage.cache_read.input_tokens": 7,
        "gen_ai.usage.cost": 0.2,
        "tracemill.retry_of": span_id(2).hex(),
    }
    failed = {"status": Status(code=_ERROR), "events": _events()}
    embedding = {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "e-3", "gen_ai.usage.input_tokens": 5}
    return [
        _step(2, 0, "chat gpt-4.1", chat | {"gen_ai.usage.cost": 0.1}, kind=3, **failed),
        _step(3, 0, "chat gpt-4.1", answered, kind=3, status=Status(code=_OK)),
        _step(4, 0, "ChatCompletion", _flattened(), kind=1),
        _step(7, 8, "embeddings e-3", embedding, kind=3),
    ]


def _flattened() -> dict[str, object]:
    """A call as OpenInference tells it: an attribute for each field of each message."""
    return {
        "openinference.span.kind": "LLM",
        "llm.model_name": "claude",
        "llm.provider": "anthropic",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "und jetzt?",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "sql",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"query": "1"}',
        "llm.invocation_parameters": '{"temperature": 0.5}',
        "llm.token_count.prompt": 3,
        "llm.cost.total": 0.3,
    }


def _searches() -> list[Span]:
    """A retrieval in another service, and a search below it that two spans of one start share."""
    documents = [{"id": "d1", "content": "größer", "score": 0.75}, {"id": "d2", "content": "", "score": 0}]
    found = {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.retrieval.query.text": "Größe",
        "gen_ai.retrieval.documents": documents,
    }
    same = {"start_time_unix_nano": START_NS + 9_000_000, "end_time_unix_nano": START_NS + 9_000_000}
    return [
        _step(8, 0, "retrieve", found, kind=2),
        _step(9, 8, "index a", {"user.id": "of a"}, **same),
        _step(10, 8, "index b", {"user.id": "of b"}, **same),
    ]


def _oddities() -> list[Span]:
    """A span without its parent, one whose clock went backwards, another root; a tracestate that can't be true."""
    backwards = {"start_time_unix_nano": START_NS + 20_000_000, "end_time_unix_nano": START_NS + 10_000_000}
    return [
        _step(11, 77, "orphan", {"openinference.span.kind": "GUARDRAIL"}, trace_state="ot=th:fff;rv:c0ffee00facade"),
        _step(12, 11, "back in time", {}, kind=4, trace_state="", **backwards),
        _step(14, None, "second root", {"session.id": "s-2"}, trace_state="vendor=only"),
    ]
