"""Messages of every shape are readable, and nothing that was said is left out."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.messages import Message, Part, indented, pretty, read

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\\'), min_size=1, max_size=6).map(
    lambda text: f"<{text}>"
)
NAMES = st.sampled_from(
    ["role", "parts", "content", "type", "text", "tool_calls", "arguments", "response", "name", "x"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_shown(value: Any) -> None:
    for message in read(json.dumps(value)):
        assert all(isinstance(part.text, str) for part in message.parts)


CONTENT = st.fixed_dictionaries({"type": st.just("text"), "content": TEXTS})
CALL = st.fixed_dictionaries({"type": st.just("tool_call"), "name": TEXTS, "arguments": JSON})
ANSWER = st.fixed_dictionaries({"type": st.sampled_from(["tool_call_response", "other"]), "response": TEXTS})
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": TEXTS, "parts": st.lists(CONTENT | CALL | ANSWER, max_size=3)})
    | st.fixed_dictionaries({"role": TEXTS, "content": TEXTS | st.lists(CONTENT, max_size=2)}),
    min_size=1,
    max_size=3,
)


@given(MESSAGES)
def test_every_text_that_was_said_is_in_what_is_shown(said: list[dict[str, Any]]) -> None:
    messages = read(json.dumps(said))
    shown = "\n".join(
        text for message in messages for part in message.parts for text in (message.role, part.title, part.text)
    )
    for text in _texts([part for message in said for part in (message.get("parts") or [message.get("content")])]):
        if text not in ("text", "tool_call", "tool_call_response", "other"):
            assert text in shown or json.dumps(text, ensure_ascii=False)[1:-1] in shown


EXAMPLES: list[tuple[str, list[Message]]] = [
    ("", []),
    ("plain", [Message("", (Part("text", "", "plain"),))]),
    ('"quoted"', [Message("", (Part("json", "", "quoted"),))]),
    ('[{"role":"user","content":"hi"}]', [Message("user", (Part("text", "", "hi"),))]),
    ('{"messages":[{"role":"user","content":"hi"}]}', [Message("user", (Part("text", "", "hi"),))]),
    (
        '[{"role":"assistant","parts":[{"type":"text","content":"ok"}],"finish_reason":"stop"}]',
        [Message("assistant", (Part("text", "", "ok"),), "stop")],
    ),
    (
        '[{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function",'
        '"function":{"name":"sql","arguments":"{\\"q\\":1}"}}]}]',
        [Message("assistant", (Part("tool_call", "sql", '{\n  "q": 1\n}'),))],
    ),
    (
        '[{"role":"tool","parts":[{"type":"tool_call_response","id":"1","result":{"a":1}}]}]',
        [Message("tool", (Part("tool_result", "1", '{\n  "a": 1\n}'),))],
    ),
    (
        '[{"role":"user","parts":[{"type":"blob","mime_type":"image/png","content":"AAAA"}]}]',
        [Message("user", (Part("blob", "image/png", "4 characters of base64"),))],
    ),
    ('[{"type":"text","content":"Be brief."}]', [Message("", (Part("text", "", "Be brief."),))]),
    ("[1, 2]", [Message("", (Part("json", "", "[\n  1,\n  2\n]"),))]),
]


@pytest.mark.parametrize(("text", "messages"), EXAMPLES, ids=[text[:40] for text, _ in EXAMPLES])
def test_examples(text: str, messages: list[Message]) -> None:
    assert read(text) == messages


def test_what_is_nested_too_deeply_is_shown_as_it_came() -> None:
    text = "[" * 900 + "]" * 900
    assert read(text) == [Message("", (Part("json", "", text),))]
    assert indented(text) == text
    assert pretty([[]]) == "[\n  []\n]"
    beyond = "[" * 100_000
    assert read(beyond) == [Message("", (Part("text", "", beyond),))]


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for inner in value:
                yield from _texts(inner)
        case dict():
            for inner in value.values():
                yield from _texts(inner)
