"""What do the spans of a generated load say? Names, attributes, events and durations of an agent's trace."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

Value = str | int | float | bool | list[str]

FAT_MESSAGES_CHARS: Final = 20_000
ERROR_SHARE: Final = 0.02
EVENT_SHARE: Final = 0.08
LINK_SHARE: Final = 0.03
SLOW_SHARE: Final = 0.02
COST_SHARE: Final = 0.5

SERVICES: Final = ("support-agent", "checkout-agent", "search-api", "tool-gateway", "billing-agent")
_MODELS: Final = (
    ("openai", "gpt-4o", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash"),
)
_TOOLS: Final = ("sql", "search_orders", "get_weather", "send_refund", "lookup_customer")
_ROLES: Final = ("http", "retrieval", "chat", "http", "tool", "step", "chat")
_SYLLABLES: Final = tuple(a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "on"))
_CORPUS_WORDS: Final = 200_000


@dataclass(frozen=True, slots=True)
class Content:
    """A span's fields as protobuf: `head` is name and kind, `tail` what stands behind the times."""

    head: bytes
    tail: bytes
    duration_ns: int


class Writer:
    """Writes spans from dice. One writer holds one body of text that all messages are cut from."""

    def __init__(self, seed: int, fat: bool, event_ns: int) -> None:
        """`event_ns`: the time of all events."""
        self._dice = Random(seed)
        self._event_ns = event_ns
        self._fat = fat
        words = ["".join(self._dice.choices(_SYLLABLES, k=self._dice.randint(1, 4))) for _ in range(4_000)]
        weights = [1 / (rank + 3) for rank in range(len(words))]
        self._corpus = " ".join(self._dice.choices(words, weights, k=_CORPUS_WORDS))

    def trace(self, spans: int) -> list[Content]:
        """The spans of one trace by number, the root last."""
        slow = self._dice.random() < SLOW_SHARE
        session, user = f"session-{self._dice.getrandbits(48):012x}", f"user-{self._dice.randrange(5_000)}"
        children = [self._child(_ROLES[number % len(_ROLES)], slow, session) for number in range(spans - 1)]
        return [*children, self._root(session, user)]

    def _child(self, role: str, slow: bool, session: str) -> Content:
        match role:
            case "chat":
                return self._chat(slow, session)
            case "retrieval":
                return self._retrieval()
            case "tool":
                return self._tool()
            case "step":
                return self._step()
            case _:
                return self._http()

    def _chat(self, slow: bool, session: str) -> Content:
        provider, model, answered = self._dice.choice(_MODELS)
        seconds = self._dice.uniform(12, 40) if slow else min(self._dice.lognormvariate(0.1, 0.6), 8.0)
        sent, got = self._dice.randint(200, 6_000), self._dice.randint(10, 900)
        question, answer = (FAT_MESSAGES_CHARS - 2_300, 2_000) if self._fat else (150, 90)
        values: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "gen_ai.response.model": answered,
            "gen_ai.request.temperature": round(self._dice.random(), 2),
            "gen_ai.conversation.id": session,
            "gen_ai.response.time_to_first_chunk": round(seconds * 0.2, 4),
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.usage.input_tokens": sent,
            "gen_ai.usage.output_tokens": got,
            "gen_ai.usage.cache_read.input_tokens": sent // 4,
            "gen_ai.input.messages": _messages([("system", self._text(24)), ("user", self._text(question))]),
            "gen_ai.output.messages": _messages([("assistant", self._text(answer))]),
        }
        if self._dice.random() < COST_SHARE:
            values["gen_ai.usage.cost"] = round(sent * 2.5e-6 + got * 1e-5, 6)
        return self._content(f"chat {model}", Span.SPAN_KIND_CLIENT, values, seconds)

    def _retrieval(self) -> Content:
        documents = [{"id": f"doc-{self._dice.getrandbits(32):08x}", "score": round(self._dice.random(), 4)}]
        values: dict[str, Value] = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "knowledge-base",
            "gen_ai.retrieval.query.text": self._text(60),
            "gen_ai.retrieval.documents": json.dumps(documents),
            "gen_ai.request.top_k": 1.0,
            "server.address": "vectors.internal",
            "server.port": 6333,
            "db.system.name": "qdrant",
            "db.collection.name": "articles",
        }
        return self._content("retrieval knowledge-base", Span.SPAN_KIND_CLIENT, values, self._dice.uniform(0.02, 0.3))

    def _tool(self) -> Content:
        tool = self._dice.choice(_TOOLS)
        values: dict[str, Value] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": f"call_{self._dice.getrandbits(96):024x}",
            "gen_ai.tool.description": self._text(40),
            "gen_ai.tool.call.arguments": json.dumps({"id": self._dice.randrange(10**6), "text": self._text(24)}),
            "gen_ai.tool.call.result": json.dumps({"rows": self._dice.randrange(20), "text": self._text(50)}),
            "code.function.name": f"tools.{tool}",
        }
        return self._content(f"execute_tool {tool}", Span.SPAN_KIND_INTERNAL, values, self._dice.uniform(0.01, 0.8))

    def _http(self) -> Content:
        path = f"/v1/items/{self._dice.randrange(10**6)}"
        values: dict[str, Value] = {
            "http.request.method": "GET",
            "http.route": "/v1/items/{id}",
            "url.full": f"https://items.internal{path}?fields=name,price,stock",
            "url.scheme": "https",
            "server.address": "items.internal",
            "server.port": 443,
            "http.response.status_code": 200,
            "network.protocol.version": "1.1",
            "http.response.body.size": self._dice.randrange(200, 40_000),
        }
        return self._content("GET /v1/items/{id}", Span.SPAN_KIND_INTERNAL, values, self._dice.uniform(0.005, 0.08))

    def _step(self) -> Content:
        values: dict[str, Value] = {
            "workflow.step": "rank_answers",
            "workflow.version": "2026-10-01",
            "candidates": self._dice.randrange(2, 12),
            "threshold": 0.35,
            "cache.hit": self._dice.random() < 0.3,
            "code.function.name": "agent.steps.rank_answers",
            "code.file.path": "/srv/agent/steps.py",
            "code.line.number": 214,
            "thread.id": self._dice.randrange(1, 64),
            "thread.name": f"worker-{self._dice.randrange(64)}",
            "notes": self._text(40),
        }
        return self._content("rank_answers", Span.SPAN_KIND_INTERNAL, values, self._dice.uniform(0.002, 0.05))

    def _root(self, session: str, user: str) -> Content:
        values: dict[str, Value] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "support",
            "gen_ai.agent.id": "agent-7f3a",
            "gen_ai.conversation.id": session,
            "session.id": session,
            "user.id": user,
            "http.route": self._dice.choice(("/chat", "/refund", "/search")),
            "gen_ai.agent.description": self._text(40),
            "deployment.region": self._dice.choice(("eu-west-1", "us-east-1")),
            "feature.flag": "new-planner",
        }
        return self._content("invoke_agent support", Span.SPAN_KIND_INTERNAL, values, 0.05)

    def _content(self, name: str, kind: Span.SpanKind.ValueType, values: dict[str, Value], seconds: float) -> Content:
        span = Span(attributes=[_pair(key, value) for key, value in values.items()], flags=0x101)
        if self._dice.random() < ERROR_SHARE:
            self._fail(span)
        elif self._dice.random() < EVENT_SHARE:
            span.events.add(
                time_unix_nano=self._event_ns, name="cache.miss", attributes=[_pair("cache.key", self._text(20))]
            )
        if self._dice.random() < LINK_SHARE:
            span.links.add(trace_id=self._dice.randbytes(16), span_id=self._dice.randbytes(8), flags=0x101)
        head = Span(name=name, kind=kind).SerializeToString()
        return Content(head, span.SerializeToString(), int(seconds * 1e9))

    def _fail(self, span: Span) -> None:
        span.attributes.append(_pair("error.type", "TimeoutError"))
        span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="deadline of 2 s passed"))
        told = [_pair("exception.type", "TimeoutError"), _pair("exception.message", self._text(60))]
        span.events.add(time_unix_nano=self._event_ns, name="exception", attributes=told)

    def _text(self, chars: int) -> str:
        start = self._dice.randrange(len(self._corpus) - chars)
        return self._corpus[start : start + chars]


def resource(service: str) -> bytes:
    """A serialized resource of six attributes."""
    values: dict[str, Value] = {
        "service.name": service,
        "service.version": "3.14.2",
        "service.instance.id": f"{service}-7c9f6d5b8-x2x4q",
        "deployment.environment.name": "production",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
    }
    return Resource(attributes=[_pair(key, value) for key, value in values.items()]).SerializeToString()


def scope() -> bytes:
    """The serialized instrumentation scope of all spans."""
    return InstrumentationScope(name="opentelemetry.instrumentation.agent", version="0.60b1").SerializeToString()


def _messages(turns: list[tuple[str, str]]) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in turns])


def _pair(key: str, value: Value) -> KeyValue:
    pair = KeyValue(key=key)
    match value:
        case bool():
            pair.value.bool_value = value
        case int():
            pair.value.int_value = value
        case float():
            pair.value.double_value = value
        case str():
            pair.value.string_value = value
        case list():
            pair.value.array_value.values.extend(AnyValue(string_value=each) for each in value)
    return pair
