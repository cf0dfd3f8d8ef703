"""What a span means where no single key says it."""

from __future__ import annotations

import numpy as np
import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.builders.bundles import S, any_value
from tests.builders.decoded import column, event, frame
from tracemill.evaluation.spans import any_column


def exception(kind: str) -> Span.Event:
    return event("exception", {"exception.type": kind})


def of(name: str, *sent: dict[str, object]) -> list[object]:
    return column(name, *(S(span=number, attributes=attributes).message() for number, attributes in enumerate(sent)))


ASKED = {"llm.invocation_parameters": '{"n": 1, "model": "o4-mini"}'}


@pytest.mark.parametrize(
    ("attributes", "failed", "asked", "answered"),
    [
        (ASKED, True, "o4-mini", ""),
        ({"llm.invocation_parameters": '{"model":"o4-mini","n":1}'}, True, "o4-mini", ""),
        ({"llm.invocation_parameters": '{"model": {"x": "y"}}'}, False, "", ""),
        (ASKED | {"llm.model_name": "o4-mini-2026"}, False, "o4-mini", "o4-mini-2026"),
        (ASKED | {"llm.model_name": "o4-mini-2026"}, True, "o4-mini", "o4-mini-2026"),
        (ASKED | {"llm.model_name": "o4-mini"}, False, "o4-mini", "o4-mini"),
        (ASKED | {"llm.model_name": "o4-mini"}, True, "o4-mini", ""),
        ({"llm.model_name": "o4-mini"}, False, "o4-mini", ""),
        ({"llm.request.model_name": "o4-mini", "llm.model_name": "x"}, False, "o4-mini", "x"),
        ({"llm.response.model_name": "said", "llm.model_name": "x"}, False, "x", "said"),
        ({}, False, "", ""),
    ],
)
def test_parameters_name_the_model_that_was_asked_and_the_name_is_then_the_one_that_answered(
    attributes, failed, asked, answered
):
    before = S(attributes={"gen_ai.request.model": "before"}).message()
    span = S(span=1, error=failed, attributes=attributes).message()
    assert column("request_model", before, span) == ["before", asked]
    assert column("response_model", before, span) == ["", answered]


def test_the_last_exception_of_a_failed_span_is_its_error_type():
    failed, fine, both, said = (S(span=number, error=number != 1).message() for number in range(4))
    failed.events.extend([exception("First"), Span.Event(name="other"), exception("Last"), Span.Event(name="after")])
    fine.events.append(exception("Handled"))
    said.events.append(exception("Exception"))
    said.attributes.append(KeyValue(key="error.type", value=any_value("timeout")))
    types = any_column(frame(failed, fine, both, said), "error_type", np.arange(4)).to_pylist()
    assert types == ["Last", "", "", "timeout"]


def test_a_class_that_python_wrote_is_named():
    assert of("error_type", {"error.type": "<class 'openai.RateLimitError'>"}, {"error.type": "<class"}, {}) == [
        "openai.RateLimitError",
        "<class",
        "",
    ]


@pytest.mark.parametrize(
    ("sent", "span_type", "operation", "provider"),
    [
        ({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "x_ai"}, "llm", "chat", "x_ai"),
        ({"gen_ai.operation.name": "generate", "gen_ai.request.model": "m"}, "llm", "generate", ""),
        ({"gen_ai.operation.name": "own"}, "other", "own", ""),
        ({"llm.request.type": "embedding", "gen_ai.request.model": "m"}, "embedding", "embeddings", ""),
        ({"llm.request.type": "completion", "gen_ai.system": "OpenAI"}, "llm", "text_completion", "openai"),
        ({"llm.request.type": "unknown", "gen_ai.system": "az.ai.openai"}, "other", "", "azure.ai.openai"),
        ({"openinference.span.kind": "LLM", "llm.provider": "mistralai"}, "llm", "chat", "mistral_ai"),
        ({"openinference.span.kind": "CHAIN", "llm.system": "own"}, "workflow", "", "own"),
        ({"openinference.span.kind": "RERANKER"}, "rerank", "rerank", ""),
        ({"openinference.span.kind": "TOOL", "gen_ai.operation.name": "chat"}, "tool", "chat", ""),
        ({"traceloop.span.kind": "workflow"}, "workflow", "invoke_workflow", ""),
        ({"traceloop.span.kind": "task"}, "other", "", ""),
        ({"tracemill.span_type": "fallback", "openinference.span.kind": "CHAIN"}, "fallback", "", ""),
        ({"tracemill.span_type": "cache"}, "cache", "", ""),
        ({"gen_ai.tool.name": "sql"}, "tool", "", ""),
        ({}, "other", "", ""),
    ],
)
def test_every_dialect_has_its_words_for_what_a_span_is(sent, span_type, operation, provider):
    other = {"openinference.span.kind": "AGENT"}
    assert of("span_type", other, sent) == ["agent", span_type]
    assert of("operation", other, sent) == ["invoke_agent", operation]
    assert of("provider", other, sent) == ["", provider]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"gen_ai.response.finish_reasons": ["length", "stop"]}, "length"),
        ({"gen_ai.response.finish_reasons": ["tool_calls"]}, "tool_call"),
        ({"llm.finish_reason": "max_tokens"}, "length"),
        ({"llm.response.stop_reason": "end_turn"}, "stop"),
        ({"gen_ai.completion.0.finish_reason": "function_call"}, "tool_call"),
        ({"gen_ai.output.messages": '[{"role":"assistant","parts":[],"finish_reason": "tool_use"}]'}, "tool_call"),
        ({"gen_ai.output.messages": '[{"parts":[{"content":"\\"finish_reason\\":\\"stop\\""}]}]'}, ""),
        ({"gen_ai.output.messages": "[]", "llm.finish_reason": "own"}, "own"),
        ({}, ""),
    ],
)
def test_why_a_model_stopped_is_said_in_one_vocabulary(sent, reason):
    call = {"gen_ai.operation.name": "chat"}
    assert of("finish_reason", call | {"llm.finish_reason": "stop"}, call | sent) == ["stop", reason]


def test_a_name_for_all_kinds_of_steps_names_a_tool_only_on_a_tool():
    kinds = [{"traceloop.span.kind": kind, "traceloop.entity.name": "x"} for kind in ("tool", "agent", "workflow")]
    own = {"gen_ai.tool.name": "own", "traceloop.span.kind": "tool", "traceloop.entity.name": "x"}
    assert of("tool_name", *kinds, own) == ["x", "", "", "own"]
    assert of("agent_name", *kinds, own) == ["", "x", "", ""]


def test_input_and_output_are_content_of_tools_searches_and_agents_only_and_move_there():
    sent = [
        {"openinference.span.kind": kind, "input.value": "in", "output.value": "out"}
        for kind in ("TOOL", "RETRIEVER", "LLM", "AGENT")
    ]
    assert of("tool_arguments", *sent) == ["in", "", "", ""]
    assert of("tool_result", *sent) == ["out", "", "", ""]
    assert of("retrieval_query", *sent) == ["", "in", "", ""]
    said = '[{"role":"user","parts":[{"type":"text","content":"in"}]}]'
    assert of("input_messages", *sent) == ["", "", "", said]
    left = [{key for key, _ in pairs if key != "openinference.span.kind"} for pairs in of("attributes", *sent)]
    assert left == [set(), {"output.value"}, {"input.value", "output.value"}, set()]
