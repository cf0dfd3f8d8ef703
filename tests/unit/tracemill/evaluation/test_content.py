"""Of several ways to say what was said the first counts, and the others stay attributes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.builders.bundles import S
from tests.builders.decoded import column, event, frame
from tracemill.evaluation import content

AGENT = {"openinference.span.kind": "AGENT"}
FLAT = {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "flat"}
SENT = {"gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"sent"}]}]'}
ENTITY = {"traceloop.entity.input": '{"q": 1}', "traceloop.entity.output": '"said \\"so\\""'}
ASKED = event("gen_ai.user.message", {"content": "told"})


def of(name, attributes, *events):
    message = S(attributes=attributes).message()
    message.events.extend(events)
    return column(name, S(span=1, attributes=AGENT).message(), message)[1]


@pytest.mark.parametrize(
    ("attributes", "said", "left"),
    [
        (AGENT | {"input.value": "in"} | FLAT | SENT, "sent", {"input.value"}),
        (AGENT | {"input.value": "in"} | FLAT, "flat", {"input.value"}),
        (AGENT | {"input.value": "in"}, "in", set()),
        (AGENT | {"input.value": "in"} | ENTITY, "in", {"traceloop.entity.input"}),
        (AGENT | ENTITY, '{"q": 1}', set()),
        (AGENT, "told", set()),
    ],
)
def test_what_says_it_best_counts_and_what_isnt_needed_stays(attributes, said, left):
    ((message,), attributes_left) = json.loads(of("input_messages", attributes, ASKED)), of("attributes", attributes)
    assert message == {"role": "user", "parts": [{"type": "text", "content": said}]}
    assert {key for key, _ in attributes_left} - {"openinference.span.kind"} == left


def test_a_text_that_came_as_a_string_in_json_is_what_it_says():
    (answer,) = json.loads(of("output_messages", {"traceloop.span.kind": "agent"} | ENTITY))
    assert answer == {"role": "assistant", "parts": [{"type": "text", "content": 'said "so"'}]}
    assert of("tool_result", {"traceloop.span.kind": "tool"} | ENTITY) == 'said "so"'
    assert of("tool_result", {"gen_ai.tool.call.result": '"'}) == '"'


def test_columns_are_the_same_alone_and_together_and_for_some_of_the_spans():
    spans = [S(span=n, attributes=one).message() for n, one in enumerate([AGENT | FLAT, SENT, AGENT | ENTITY, AGENT])]
    spans[3].events.append(ASKED)
    read = frame(*spans)
    together = content.columns(read, np.arange(4))
    for name, whole in together.items():
        for rows in ([0, 1, 2, 3], [1], [0, 3], []):
            (some,) = content.columns(read, np.array(rows, np.int64), (name,)).values()
            assert some.to_pylist() == [whole[row].as_py() for row in rows]


def test_of_two_names_for_one_thing_the_one_that_isnt_read_stays():
    both = {"gen_ai.tool.call.arguments": "1", "tool_arguments": "2", "tool_response": "3"}
    assert of("tool_arguments", both) == "1"
    assert of("tool_result", both) == "3"
    assert of("attributes", both) == [("tool_arguments", "2")]
