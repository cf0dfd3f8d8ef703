"""Messages as the APIs of OpenAI, Anthropic and Bedrock have them, in the shape of the conventions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemill.dialects import chat

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "role", "tool_calls", "function", "arguments", "message"]),
            inner | st.sampled_from(["text", "tool_use", "tool_result", "image_url", "thinking"]),
            max_size=3,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("sent", "part"),
    [
        ("hello", {"type": "text", "content": "hello"}),
        ({"type": "text", "text": "hello"}, {"type": "text", "content": "hello"}),
        ({"text": "hello"}, {"type": "text", "content": "hello"}),
        ({"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "reasoning", "content": "hm"}),
        (
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}},
            {"type": "uri", "modality": "image", "uri": "https://x.test/a.png"},
        ),
        (
            {"type": "tool_use", "id": "1", "name": "sql", "input": {"q": 1}},
            {"type": "tool_call", "id": "1", "name": "sql", "arguments": {"q": 1}},
        ),
        (
            {"toolUse": {"toolUseId": "1", "name": "sql", "input": {"q": 1}}},
            {"type": "tool_call", "id": "1", "name": "sql", "arguments": {"q": 1}},
        ),
        (
            {"type": "tool_result", "tool_use_id": "1", "content": "none"},
            {"type": "tool_call_response", "id": "1", "response": "none"},
        ),
        (
            {"toolResult": {"toolUseId": "1", "status": "success", "content": [{"text": "none"}]}},
            {"type": "tool_call_response", "id": "1", "response": [{"text": "none"}]},
        ),
        ({"type": "own", "x": 1}, {"type": "own", "x": 1}),
        ({"type": "text"}, {"type": "text"}),
        ({"x": 1}, {"type": "json", "x": 1}),
        (5, {"type": "text", "content": "5"}),
    ],
)
def test_a_part_is_written_as_the_conventions_have_it(sent, part):
    assert chat.parts([sent]) == [part]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"content": "hi"}, {"role": "user", "parts": [{"type": "text", "content": "hi"}]}),
        ({"role": "system", "content": ""}, {"role": "system", "parts": []}),
        (
            {"role": "tool", "tool_call_id": "1", "content": "none"},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "none"}]},
        ),
        (
            {
                "role": "assistant",
                "content": None,
                "finish_reason": "tool_calls",
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "sql", "arguments": '{"q":1}'}}],
            },
            {
                "role": "assistant",
                "finish_reason": "tool_call",
                "parts": [{"type": "tool_call", "id": "1", "name": "sql", "arguments": {"q": 1}}],
            },
        ),
        (
            {"tool_calls": [{"name": "x", "arguments": "{"}]},
            {"role": "user", "parts": [{"type": "tool_call", "name": "x", "arguments": "{"}]},
        ),
        ({"parts": [], "x": 1}, {"role": "user", "parts": [], "x": 1}),
        ({"tool_calls": 5, "finish_reason": 5}, {"role": "user", "parts": []}),
    ],
)
def test_a_message_is_written_as_the_conventions_have_it(sent, message):
    assert chat.message(sent, "user") == message


@given(JSON)
def test_whatever_is_sent_becomes_parts_that_have_a_type(sent):
    assert all(part["type"] is not None or "type" in part for part in chat.parts(sent))
    if isinstance(sent, dict):
        assert set(chat.message(sent, "user")) >= {"role", "parts"}


@pytest.mark.parametrize(
    ("content", "are_parts"),
    [
        ([{"type": "text", "text": "x"}, {"toolUse": {}}], True),
        ([{"type": "fruit", "name": "apple"}], False),
        ([{"text": "x", "more": 1}], False),
        (["text"], False),
        ([{"type": 5}], False),
        ({"type": "text"}, False),
    ],
)
def test_only_lists_of_known_parts_are_parts(content, are_parts):
    assert chat.are_parts(content) is are_parts
