"""Whichever dialect tells of a call, and in whichever order its attributes come, the columns are the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.builders.bundles import S
from tests.builders.decoded import event, frame
from tracemill.evaluation.spans import any_column

TEXT = st.text(min_size=1, max_size=8) | st.sampled_from(['"', "\\", "[1, 2]", '{"a": 1}', "é🔋\n", "null", " "])
ARGUMENTS = st.dictionaries(TEXT, TEXT | st.integers(-9, 9), max_size=2)
CALL = st.tuples(st.uuids().map(str), TEXT, ARGUMENTS)
TOLD = st.tuples(st.sampled_from(["system", "user", "assistant"]), TEXT)
CALLED = st.tuples(st.just("calls"), st.lists(CALL, min_size=1, max_size=2))
ANSWERED = st.tuples(st.just("tool"), st.tuples(st.uuids().map(str), TEXT))
# in the words of the conventions, of OpenInference, of older OpenLLMetry
PROVIDERS = st.sampled_from(
    [
        ("openai", "openai", "OpenAI"),
        ("aws.bedrock", "aws", "AWS"),
        ("mistral_ai", "mistralai", "MistralAI"),
        ("own", "own", "own"),
    ]
)
REASONS = st.sampled_from([("tool_call", "tool_calls"), ("stop", "end_turn"), ("length", "max_tokens"), ("own", "own")])
TOKENS = st.integers(0, 10**9)
JSON = ("input_messages", "output_messages", "model_params")
COLUMNS = (
    "span_type", "operation", "provider", "request_model", "response_model", "model_params", "finish_reason",
    "session_id", "user_id", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "reasoning_tokens", "audio_tokens", "ttft_ms", "input_messages", "output_messages",
)  # fmt: skip

Message = tuple[str, Any]
Told = tuple[dict[str, Any], list[Span.Event], set[str]]
"""Attributes, events, and the columns of which a dialect can't tell."""


@dataclass(frozen=True)
class Talk:
    """A call of a model."""

    said: list[Message]
    answer: Message
    provider: tuple[str, str, str]
    reason: tuple[str, str]
    asked: str
    answered: str
    session: str
    user: str
    temperature: float
    stop: list[str]
    streams: bool
    sent: int
    got: int
    read: int
    written: int
    reasoning: int
    audio: tuple[int, int]
    waited_ms: int


TALKS = st.builds(
    Talk,
    said=st.lists(TOLD | CALLED | ANSWERED, min_size=1, max_size=4),
    answer=st.tuples(st.just("assistant"), TEXT) | CALLED,
    provider=PROVIDERS,
    reason=REASONS,
    asked=st.sampled_from(["gpt", "o4-mini"]),
    answered=st.sampled_from(["gpt", "gpt-2026"]),
    session=TEXT,
    user=TEXT,
    temperature=st.floats(0, 2),
    stop=st.lists(TEXT, min_size=1, max_size=2),
    streams=st.booleans(),
    sent=TOKENS,
    got=TOKENS,
    read=TOKENS,
    written=TOKENS,
    reasoning=TOKENS,
    audio=st.tuples(TOKENS, TOKENS),
    waited_ms=st.integers(1, 5_000),
)


def by_convention(message: Message) -> dict[str, Any]:
    """A message in the shape of the GenAI conventions."""
    match message:
        case "calls", calls:
            parts = [{"type": "tool_call", "id": id_, "name": name, "arguments": given} for id_, name, given in calls]
            return {"role": "assistant", "parts": parts}
        case "tool", (id_, answer):
            return {"role": "tool", "parts": [{"type": "tool_call_response", "id": id_, "response": answer}]}
    role, text = message
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def of_a_chat_api(message: Message) -> dict[str, Any]:
    """A message as one sends it to OpenAI."""
    match message:
        case "calls", calls:
            written = [
                {"id": id_, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
                for id_, name, given in calls
            ]
            return {"role": "assistant", "content": None, "tool_calls": written}
        case "tool", (id_, answer):
            return {"role": "tool", "tool_call_id": id_, "content": answer}
    role, text = message
    return {"role": role, "content": text}


def flat(prefix: str, messages: list[Message], inner: str, calls: str, arguments: str) -> dict[str, Any]:
    """Messages as an attribute for each field."""
    result: dict[str, Any] = {}
    for number, message in enumerate(messages):
        sent, place = of_a_chat_api(message), f"{prefix}.{number}.{inner}"
        result |= {f"{place}{key}": value for key, value in sent.items() if isinstance(value, str)}
        for index, call in enumerate(sent.get("tool_calls", ())):
            at = f"{place}tool_calls.{index}.{calls}"
            result |= {f"{at}id": call["id"], f"{at}{arguments}name": call["function"]["name"]}
            result[f"{at}{arguments}arguments"] = call["function"]["arguments"]
    return result


def requested(talk: Talk) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": talk.asked,
        "gen_ai.request.temperature": talk.temperature,
        "gen_ai.request.stop_sequences": talk.stop,
        "gen_ai.request.stream": talk.streams,
        "gen_ai.conversation.id": talk.session,
        "user.id": talk.user,
    }


def current(talk: Talk) -> Told:
    """The conventions of today."""
    attributes = requested(talk) | {
        "gen_ai.provider.name": talk.provider[0],
        "gen_ai.response.model": talk.answered,
        "gen_ai.response.finish_reasons": [talk.reason[0]],
        "gen_ai.response.time_to_first_chunk": talk.waited_ms / 1_000,
        "gen_ai.usage.input_tokens": talk.sent + talk.read + talk.written,
        "gen_ai.usage.output_tokens": talk.got,
        "gen_ai.usage.cache_read.input_tokens": talk.read,
        "gen_ai.usage.cache_write.input_tokens": talk.written,
        "gen_ai.usage.reasoning.output_tokens": talk.reasoning,
        "gen_ai.usage.audio.input_tokens": talk.audio[0],
        "gen_ai.usage.audio.output_tokens": talk.audio[1],
        "gen_ai.input.messages": json.dumps([by_convention(one) for one in talk.said]),
        "gen_ai.output.messages": [by_convention(talk.answer)],
    }
    return attributes, [], set()


def details(talk: Talk) -> Told:
    """The conventions of today with what was said in events, and first tokens as Strands tells of them."""
    attributes, _, _ = current(talk)
    attributes["gen_ai.server.time_to_first_token"] = talk.waited_ms
    del attributes["gen_ai.response.time_to_first_chunk"]
    keys = ("gen_ai.input.messages", "gen_ai.output.messages")
    told = [{key: attributes.pop(key)} for key in keys]
    return attributes, [event("gen_ai.client.inference.operation.details", one) for one in told], set()


def former(talk: Talk) -> Told:
    """The conventions up to 1.36: an event for each message. Cached tokens aren't counted in, as Anthropic does it."""
    attributes = requested(talk) | {
        "gen_ai.system": talk.provider[0],
        "gen_ai.response.model": talk.answered,
        "gen_ai.response.finish_reasons": [talk.reason[1]],
        "gen_ai.usage.prompt_tokens": talk.sent,
        "gen_ai.usage.completion_tokens": talk.got,
        "gen_ai.usage.cache_read.input_tokens": talk.read,
        "gen_ai.usage.cache_creation.input_tokens": talk.written,
    }
    said = [of_a_chat_api(one) for one in talk.said]
    events = [event(f"gen_ai.{one['role']}.message", {"gen_ai.event.content": json.dumps(one)}) for one in said]
    answer = {"index": 0, "finish_reason": talk.reason[1], "message": of_a_chat_api(talk.answer)}
    events.append(event("gen_ai.choice", {"gen_ai.event.content": json.dumps(answer)}))
    untold = {"ttft_ms", "reasoning_tokens", "audio_tokens"}
    apart = talk.read + talk.written > talk.sent
    return attributes, events, untold if apart else untold | {"input_tokens"}


def openinference(talk: Talk) -> Told:
    parameters = {"model": talk.asked, "temperature": talk.temperature, "stop": talk.stop, "stream": talk.streams}
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.provider": talk.provider[1],
        "llm.model_name": talk.answered,
        "llm.invocation_parameters": json.dumps(parameters),
        "llm.finish_reason": talk.reason[1],
        "session.id": talk.session,
        "user.id": talk.user,
        "llm.token_count.prompt": talk.sent + talk.read + talk.written,
        "llm.token_count.completion": talk.got,
        "llm.token_count.prompt_details.cache_read": talk.read,
        "llm.token_count.prompt_details.cache_write": talk.written,
        "llm.token_count.completion_details.reasoning": talk.reasoning,
        "llm.token_count.prompt_details.audio": talk.audio[0],
        "llm.token_count.completion_details.audio": talk.audio[1],
        **flat("llm.input_messages", talk.said, "message.", "tool_call.", "function."),
        **flat("llm.output_messages", [talk.answer], "message.", "tool_call.", "function."),
    }
    return attributes, [event("other"), event("First Token Stream Event", {}, talk.waited_ms)], set()


def openllmetry(talk: Talk) -> Told:
    """OpenLLMetry before it wrote the messages of the conventions."""
    attributes = {
        "llm.request.type": "chat",
        "gen_ai.system": talk.provider[2],
        "gen_ai.request.model": talk.asked,
        "gen_ai.response.model": talk.answered,
        "gen_ai.request.temperature": talk.temperature,
        "llm.chat.stop_sequences": talk.stop,
        "llm.is_streaming": talk.streams,
        "traceloop.association.properties.session_id": talk.session,
        "traceloop.association.properties.user_id": talk.user,
        "gen_ai.usage.prompt_tokens": talk.sent + talk.read + talk.written,
        "gen_ai.usage.completion_tokens": talk.got,
        "gen_ai.usage.cache_read_input_tokens": talk.read,
        "gen_ai.usage.cache_creation_input_tokens": talk.written,
        "gen_ai.usage.reasoning_tokens": talk.reasoning,
        "gen_ai.completion.0.finish_reason": talk.reason[1],
        **flat("gen_ai.prompt", talk.said, "", "", ""),
        **flat("gen_ai.completion", [talk.answer], "", "", ""),
    }
    chunks = [event("llm.content.completion.chunk", {}, talk.waited_ms + later) for later in (0, 3, 1)]
    return attributes, chunks, {"audio_tokens"}


def columns(spans: list[Span]) -> list[dict[str, Any]]:
    """The columns of each span, what is JSON read."""
    decoded, rows = frame(*spans), np.arange(len(spans))
    read = {name: any_column(decoded, name, rows).to_pylist() for name in COLUMNS}
    result = [{name: read[name][row] for name in COLUMNS} for row in rows]
    for one in result:
        one |= {name: json.loads(one[name]) for name in JSON}
        one["ttft_ms"] = one["ttft_ms"] and round(one["ttft_ms"], 6)
        for message in one["output_messages"]:
            message.pop("finish_reason", None)
    return result


def span_of(told: Told, dice: Any) -> Span:
    attributes, events, _ = told
    pairs = list(attributes.items())
    dice.shuffle(pairs)
    span = S(span=0, duration_ms=9_000, attributes=dict(pairs)).message()
    span.events.extend(events)
    return span


@settings(max_examples=60, deadline=None)
@given(TALKS, st.randoms(use_true_random=False))
def test_the_same_conversation_gives_the_same_columns(talk, dice):
    told = [dialect(talk) for dialect in (current, details, former, openinference, openllmetry)]
    expected, *others = columns([span_of(one, dice) for one in told])
    assert expected["input_messages"] == [by_convention(one) for one in talk.said]
    assert expected["input_tokens"] == talk.sent + talk.read + talk.written
    assert expected["audio_tokens"] == sum(talk.audio)
    assert (expected["provider"], expected["finish_reason"]) == (talk.provider[0], talk.reason[0])
    for got, (_, _, untold) in zip(others, told[1:], strict=True):
        assert {name: got[name] for name in COLUMNS if name not in untold} == {
            name: expected[name] for name in COLUMNS if name not in untold
        }
