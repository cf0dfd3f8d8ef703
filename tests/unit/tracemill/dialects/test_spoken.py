"""What was said is read from events, of whichever convention they are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.bundles import S
from tests.builders.decoded import column, event, frame
from tracemill.evaluation import content

CALL = {"gen_ai.operation.name": "chat"}
TOOL = {"gen_ai.operation.name": "execute_tool"}
HELLO = [{"role": "user", "parts": [{"type": "text", "content": "hello"}]}]


def span(attributes, *events):
    message = S(attributes=attributes).message()
    message.events.extend(events)
    return message


def said(name, *events, attributes=CALL):
    text = column(name, S(span=9).message(), span(attributes, *events))[1]
    return json.loads(text) if text else None


@pytest.mark.parametrize(
    "told",
    [
        event("gen_ai.user.message", {"content": "hello"}),
        event("gen_ai.user.message", {"content": '[{"text": "hello"}]'}),
        event("gen_ai.user.message", {"gen_ai.event.content": '{"role": "user", "content": "hello"}'}),
        event("gen_ai.user.message", {"gen_ai.event.content": '{"content": [{"type": "text", "text": "hello"}]}'}),
        event("gen_ai.user.message", {"gen_ai.event.content": {"content": "hello"}}),
        event("gen_ai.content.prompt", {"gen_ai.prompt": "hello"}),
        event("gen_ai.content.prompt", {"gen_ai.prompt": '[{"role": "user", "content": "hello"}]'}),
        event("gen_ai.client.inference.operation.details", {"gen_ai.input.messages": json.dumps(HELLO)}),
        event("gen_ai.client.inference.operation.details", {"gen_ai.input.messages": HELLO}),
    ],
)
def test_every_convention_can_say_hello(told):
    assert said("input_messages", told, event("other", {"content": "no"})) == HELLO


@pytest.mark.parametrize(
    "told",
    [
        event("gen_ai.choice", {"finish_reason": "end_turn", "message": "bye"}),
        event("gen_ai.choice", {"finish_reason": "stop", "message": '[{"text": "bye"}]'}),
        event("gen_ai.choice", {"gen_ai.event.content": '{"finish_reason":"stop","message":{"content":"bye"}}'}),
    ],
)
def test_a_choice_is_what_the_assistant_said(told):
    bye = {"role": "assistant", "finish_reason": "stop", "parts": [{"type": "text", "content": "bye"}]}
    assert said("output_messages", told) == [bye]
    assert said("input_messages", told) is None


def test_messages_are_in_the_order_of_their_events():
    events = [event(f"gen_ai.{role}.message", {"content": role}) for role in ("system", "user", "assistant", "tool")]
    assert [one["role"] for one in said("input_messages", *events)] == ["system", "user", "assistant", "tool"]


def test_instructions_are_read_too():
    told = event("gen_ai.client.inference.operation.details", {"gen_ai.system_instructions": "[1]"})
    assert said("system_instructions", told) == [1]


def test_an_attribute_says_it_better_than_an_event():
    attributes = CALL | {"gen_ai.input.messages": "[]"}
    assert said("input_messages", event("gen_ai.user.message", {"content": "x"}), attributes=attributes) == []


def test_on_a_tool_they_are_its_arguments_and_result():
    events = [
        event("gen_ai.tool.message", {"content": '{"q": 1}', "id": "1"}),
        event("gen_ai.choice", {"message": '[{"text": "none"}]', "id": "1"}),
        event("log", {"message": "no", "content": "no"}),
    ]
    assert said("tool_arguments", *events, attributes=TOOL) == {"q": 1}
    assert said("tool_result", *events, attributes=TOOL) == [{"text": "none"}]
    assert said("input_messages", *events, attributes=TOOL) is None


VALUES = st.text(max_size=6) | st.recursive(
    st.none() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("acdegilmnoprstuy_", max_size=10), inner),
    max_leaves=5,
).map(json.dumps)
NAMES = ("gen_ai.user.message", "gen_ai.tool.message", "gen_ai.choice", "gen_ai.content.prompt", "other")
KEYS = ("gen_ai.event.content", "content", "message", "role", "id", "tool_calls", "finish_reason", "gen_ai.prompt")
EVENTS = st.lists(st.builds(event, st.sampled_from(NAMES), st.dictionaries(st.sampled_from(KEYS), VALUES)), max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([{}, CALL, TOOL]), EVENTS), min_size=1, max_size=3))
def test_whatever_events_say_messages_are_messages(spans):
    read = frame(*(span(attributes, *events) for attributes, events in spans))
    for name in ("input_messages", "output_messages"):
        for text in content.columns(read, read.owner, (name,))[name].to_pylist():
            assert all({"role", "parts"} <= message.keys() for message in json.loads(text or "[]"))
