"""What a span means where no single key says it."""

from __future__ import annotations

import numpy as np
import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.builders.bundles import S, any_value, framed
from tracemill.decode.groups import Origin
from tracemill.decode.spans import decode
from tracemill.evaluation.spans import any_column
from tracemill.frame import Frame, read

ORIGIN = Origin("default", {"service_name": "", "environment": "", "git_sha": "", "config_bundle_id": ""}, (), "", "")


def exception(kind: str) -> Span.Event:
    return Span.Event(name="exception", attributes=[KeyValue(key="exception.type", value=any_value(kind))])


def frame(*spans: Span) -> Frame:
    decoded = decode(b"".join(framed(2, span.SerializeToString()) for span in spans))
    return read(decoded, np.arange(decoded.count), np.zeros(decoded.count, np.int64), [ORIGIN])


def of(column: str, *sent: dict[str, object]) -> list[object]:
    read_ = frame(*(S(span=number, attributes=attributes).message() for number, attributes in enumerate(sent)))
    return any_column(read_, column, np.arange(len(sent))).to_pylist()


@pytest.mark.parametrize(
    ("attributes", "model"),
    [
        ({"llm.invocation_parameters": '{"model": "o4-mini", "n": 1}'}, "o4-mini"),
        ({"llm.invocation_parameters": '{"n":1,"model":"o4-mini"}'}, "o4-mini"),
        ({"llm.invocation_parameters": '{"model": {"x": "y"}}'}, ""),
        ({"llm.invocation_parameters": '{"model": "o4-mini"}', "llm.model_name": "gpt"}, "gpt"),
        ({}, ""),
    ],
)
def test_the_parameters_of_a_call_name_its_model_if_nothing_else_does(attributes, model):
    assert of("request_model", {"gen_ai.request.model": "before"}, attributes) == ["before", model]


def test_the_last_exception_of_a_failed_span_is_its_error_type():
    failed, fine, both, said = (S(span=number, error=number != 1).message() for number in range(4))
    failed.events.extend([exception("First"), Span.Event(name="other"), exception("Last"), Span.Event(name="after")])
    fine.events.append(exception("Handled"))
    said.events.append(exception("Exception"))
    said.attributes.append(KeyValue(key="error.type", value=any_value("timeout")))
    types = any_column(frame(failed, fine, both, said), "error_type", np.arange(4)).to_pylist()
    assert types == ["Last", "", "", "timeout"]


def test_a_name_for_all_kinds_of_steps_names_a_tool_only_on_a_tool():
    kinds = [{"traceloop.span.kind": kind, "traceloop.entity.name": "x"} for kind in ("tool", "agent", "workflow")]
    own = {"gen_ai.tool.name": "own", "traceloop.span.kind": "tool", "traceloop.entity.name": "x"}
    assert of("tool_name", *kinds, own) == ["x", "", "", "own"]
    assert of("agent_name", *kinds, own) == ["", "x", "", ""]


def test_input_and_output_are_content_of_tools_and_searches_only_and_move_there():
    sent = [
        {"openinference.span.kind": kind, "input.value": "in", "output.value": "out"}
        for kind in ("TOOL", "RETRIEVER", "LLM")
    ]
    assert of("tool_arguments", *sent) == ["in", "", ""]
    assert of("tool_result", *sent) == ["out", "", ""]
    assert of("retrieval_query", *sent) == ["", "in", ""]
    left = [{key for key, _ in pairs if key != "openinference.span.kind"} for pairs in of("attributes", *sent)]
    assert left == [set(), {"output.value"}, {"input.value", "output.value"}]
