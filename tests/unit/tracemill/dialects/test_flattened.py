"""Flattened lists read back as what they were, whatever is written in them and in whatever order it comes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.builders.bundles import any_value, framed
from tracemill.decode.attributes import Attributes
from tracemill.decode.spans import decode
from tracemill.dialects import flattened

TEXT = st.text(max_size=8) | st.sampled_from(
    ["", '"', "\\", "\n\t\r\x00\x1f\x7f", '"}],"x":[{', "é🔋", "image", "null"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
ARGUMENTS = JSON.map(json.dumps) | st.sampled_from(["", "{", "1,2", "[1", "2]", "{}{}", "nan", "[" * 2000])
PART = st.fixed_dictionaries({"type": st.sampled_from(["text", "reasoning"]), "text": TEXT}) | st.fixed_dictionaries(
    {"type": st.just("image"), "image.image.url": TEXT}
)
CALL = st.fixed_dictionaries({}, optional={"id": TEXT, "function.name": TEXT, "function.arguments": ARGUMENTS})
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool"])},
    optional={
        "name": TEXT,
        "content": TEXT,
        "tool_call_id": TEXT,
        "contents": st.lists(PART, max_size=3),
        "tool_calls": st.lists(CALL, max_size=3),
    },
)
DOCUMENT = st.fixed_dictionaries(
    {"content": TEXT},
    optional={"id": TEXT, "score": st.floats() | st.integers(-9, 9), "metadata": JSON.map(json.dumps)},
)
SPAN = st.fixed_dictionaries(
    {},
    optional={
        "llm.input_messages": st.lists(MESSAGE, max_size=12),
        "llm.output_messages": st.lists(MESSAGE, max_size=2),
        "retrieval.documents": st.lists(DOCUMENT, max_size=3),
    },
)
COLUMN = {
    "llm.input_messages": "input_messages",
    "llm.output_messages": "output_messages",
    "retrieval.documents": "documents",
}


def flat(span: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """A span's lists as OpenInference writes them."""
    result = {}
    for prefix, entries in span.items():
        singular = "document" if prefix == "retrieval.documents" else "message"
        for number, entry in enumerate(entries):
            for name, value in entry.items():
                key = f"{prefix}.{number}.{singular}.{name}"
                inner = {"contents": "message_content", "tool_calls": "tool_call"}.get(name)
                if inner is None:
                    result[key] = value
                else:
                    for place, part in enumerate(value):
                        result |= {f"{key}.{place}.{inner}.{field}": one for field, one in part.items()}
    return result


def embedded(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda constant: text)
    except (ValueError, RecursionError):
        return text


def message(sent: dict[str, Any]) -> dict[str, Any]:
    """A message in the shape of the GenAI conventions."""
    parts: list[dict[str, Any]] = []
    if "tool_call_id" in sent:
        answer = {"response": sent["content"]} if "content" in sent else {}
        parts.append({"type": "tool_call_response", "id": sent["tool_call_id"], **answer})
    elif "content" in sent:
        parts.append({"type": "text", "content": sent["content"]})
    for part in sent.get("contents", ()):
        if part["type"] == "image":
            parts.append({"type": "uri", "modality": "image", "uri": part["image.image.url"]})
        else:
            parts.append({"type": part["type"], "content": part["text"]})
    for call in sent.get("tool_calls", ()):
        if call:
            read = {name.removeprefix("function."): value for name, value in call.items()}
            if "arguments" in read:
                read["arguments"] = embedded(read["arguments"])
            parts.append({"type": "tool_call", **read})
    return {name: sent[name] for name in ("role", "name") if name in sent} | {"parts": parts}


def document(sent: dict[str, Any]) -> dict[str, Any]:
    result = dict(sent)
    if "metadata" in sent:
        result["metadata"] = embedded(sent["metadata"])
    if "score" in sent and not np.isfinite(sent["score"]):
        result["score"] = repr(sent["score"])
    return result


def attributes(spans: list[list[tuple[str, Any]]]) -> Attributes:
    messages = [
        Span(
            span_id=bytes(7) + bytes([1]),
            attributes=[KeyValue(key=key, value=any_value(value)) for key, value in pairs],
        )
        for pairs in spans
    ]
    return decode(b"".join(framed(2, one.SerializeToString()) for one in messages)).attributes


def texts(spans: list[list[tuple[str, Any]]], rows: list[int] | None = None) -> dict[str, list[str]]:
    chosen = np.arange(len(spans)) if rows is None else np.array(rows, np.int64)
    found = flattened.find(attributes(spans), chosen)
    return {name: column.to_pylist() for name, column in found.texts(chosen).items()} if found else {}


@settings(max_examples=80, deadline=None)
@given(st.lists(SPAN, min_size=1, max_size=4), st.randoms(use_true_random=False), st.data())
def test_what_was_flattened_comes_back(spans, dice, data):
    shuffled = []
    for span in spans:
        pairs = [("gen_ai.operation.name", "chat"), *flat(span).items()]
        dice.shuffle(pairs)
        shuffled.append(pairs)
    rows = sorted(data.draw(st.sets(st.integers(0, len(spans) - 1), min_size=1)))
    result = texts(shuffled, rows)
    for place, row in enumerate(rows):
        for prefix, column in COLUMN.items():
            write = document if column == "documents" else message
            expected = [write(one) for one in spans[row].get(prefix, ())]
            got = result.get(column, [""] * len(rows))[place]
            assert (json.loads(got) if got else []) == expected


def test_entries_are_in_the_order_of_their_numbers_and_gaps_close():
    numbered = [(f"llm.input_messages.{n}.message.role", f"r{n}") for n in (10, 2, 33, 0)]
    assert [one["role"] for one in json.loads(texts([numbered])["input_messages"][0])] == ["r0", "r2", "r10", "r33"]


def test_of_a_key_sent_twice_the_last_one_counts():
    key = "llm.input_messages.0.message.content"
    assert json.loads(texts([[(key, "first"), (key, "second")]])["input_messages"][0]) == [
        {"role": "user", "parts": [{"type": "text", "content": "second"}]}
    ]


TEXT_PART = [{"type": "text", "content": "x"}]


@pytest.mark.parametrize(
    ("key", "column", "message"),
    [
        ("llm.output_messages.0.message.content", "output_messages", {"role": "assistant", "parts": TEXT_PART}),
        ("llm.prompts.0.prompt.text", "input_messages", {"role": "user", "parts": TEXT_PART}),
        ("llm.choices.0.completion.text", "output_messages", {"role": "assistant", "parts": TEXT_PART}),
        ("embedding.embeddings.0.embedding.text", "input_messages", {"role": "user", "parts": TEXT_PART}),
        ("gen_ai.prompt.0.content", "input_messages", {"role": "user", "parts": TEXT_PART}),
        ("gen_ai.prompt.0.user", "input_messages", {"role": "user", "parts": TEXT_PART}),
        ("gen_ai.completion.0.content", "output_messages", {"role": "assistant", "parts": TEXT_PART}),
        (
            "gen_ai.completion.0.refusal",
            "output_messages",
            {"role": "assistant", "parts": [{"type": "refusal", "content": "x"}]},
        ),
        (
            "gen_ai.completion.0.finish_reason",
            "output_messages",
            {"role": "assistant", "finish_reason": "x", "parts": []},
        ),
        (
            "llm.output_messages.0.message.function_call_name",
            "output_messages",
            {"role": "assistant", "parts": [{"type": "tool_call", "name": "x"}]},
        ),
        (
            "gen_ai.completion.0.tool_calls.0.arguments",
            "output_messages",
            {"role": "assistant", "parts": [{"type": "tool_call", "arguments": "x"}]},
        ),
    ],
)
def test_who_names_nobody_says_what_its_column_holds(key, column, message):
    assert json.loads(texts([[(key, "x")]])[column][0]) == [message]


PARTS = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}]
READ = [{"type": "text", "content": "see"}, {"type": "uri", "modality": "image", "uri": "https://x.test/a.png"}]


def test_a_content_that_is_a_list_of_parts_is_read():
    sent = [
        ("gen_ai.prompt.0.role", "user"),
        ("gen_ai.prompt.0.content", json.dumps(PARTS)),
        ("gen_ai.prompt.0.tool_calls.0.name", "sql"),
        ("gen_ai.prompt.1.content", json.dumps(PARTS)),
        ("gen_ai.prompt.2.content", '[{"type": "fruit"}]'),
        ("gen_ai.prompt.3.content", json.dumps(PARTS)),
        ("gen_ai.prompt.3.tool_call_id", "call"),
    ]
    assert [one["parts"] for one in json.loads(texts([sent])["input_messages"][0])] == [
        [*READ, {"type": "tool_call", "name": "sql"}],
        READ,
        [{"type": "text", "content": '[{"type": "fruit"}]'}],
        [{"type": "tool_call_response", "id": "call", "response": json.dumps(PARTS)}],
    ]


def test_a_list_of_parts_that_is_nested_too_deeply_is_a_text():
    deep = '[{"type":"tool_result","tool_use_id":"1","content":' + "[" * 300 + "]" * 300 + "}]"
    (message,) = json.loads(texts([[("gen_ai.prompt.0.content", deep)]])["input_messages"][0])
    assert message["parts"] == [{"type": "text", "content": deep}]


@pytest.mark.parametrize(
    "key",
    [
        "llm.input_messages",
        "llm.input_messages.0",
        "llm.input_messages.x.message.role",
        "llm.input_messages.0.message.something.else",
        "llm.input_messages.1234567.message.role",
        "llm.input_messages.0.document.id",
        "retrieval.documents.0.message.role",
        "embedding.embeddings.0.embedding.vector",
        "gen_ai.input.messages",
        "gen_ai.prompt.name",
        "gen_ai.prompt.0.something",
    ],
)
def test_other_keys_are_left_alone(key):
    spans = [[(key, "x"), ("llm.output_messages.0.message.role", "assistant")]]
    assert flattened.held(attributes(spans)).tolist() == [False, True]
    assert texts(spans) == {
        "input_messages": [""],
        "output_messages": ['[{"role":"assistant","parts":[]}]'],
        "documents": [""],
    }


def test_a_batch_without_flattened_keys_has_nothing():
    plain = attributes([[("gen_ai.operation.name", "chat")], []])
    assert flattened.held(plain) is None
    assert flattened.find(plain, np.arange(2)) is None
