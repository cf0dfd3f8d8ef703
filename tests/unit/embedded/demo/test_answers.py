"""The stand-in behaves as a model does, as far as agents can tell."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from embedded.demo.answers import answer, usage
from embedded.demo.conversation import TOOLS
from embedded.demo.shop import ORDERS, Shop

TEXT = st.text(max_size=60)
MESSAGES = st.lists(
    st.builds(lambda role, content: {"role": role, "content": content}, st.sampled_from(["system", "assistant"]), TEXT),
    max_size=3,
)


def asked(question: str, *more: dict[str, object], tools: bool = True) -> dict[str, object]:
    request = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": question}, *more]}
    return request | ({"tools": TOOLS} if tools else {})


def result(content: str) -> dict[str, object]:
    return {"role": "tool", "tool_call_id": "call", "content": content}


@given(MESSAGES, TEXT, st.booleans())
def test_the_same_request_has_the_same_answer_either_text_or_a_call(before, question, tools):
    request = asked(question, tools=tools)
    request["messages"] = [*before, *request["messages"]]
    said = answer(request)
    assert said == answer(request)
    assert bool(said.text) != bool(said.calls)
    assert not (said.calls and not tools)
    assert said.usage["total_tokens"] == said.usage["prompt_tokens"] + said.usage["completion_tokens"]


@given(st.sampled_from(ORDERS))
def test_a_question_about_an_order_is_answered_from_what_the_tool_said(order):
    question = f"Where is my order {order}?"
    (call,) = answer(asked(question)).calls
    shop = Shop()
    rows = shop.sql(json.loads(call.arguments)["query"])
    shop.close()
    assert json.loads(rows)
    final = answer(asked(question, {"role": "assistant", "tool_calls": []}, result(rows)))
    assert json.loads(rows)[0]["carrier"] in final.text
    assert final.finish_reason == "stop"


def test_a_call_that_failed_is_made_once_more_and_differently():
    question = "How many loyalty points has customer ada?"
    (first,) = answer(asked(question)).calls
    (second,) = answer(asked(question, result("error: no such column: loyalty_points"))).calls
    assert first.id != second.id
    assert "loyalty_points" not in second.arguments
    assert not answer(asked(question, result("error: x"), result("error: x"))).calls


def test_long_prompts_are_cached_and_reasoning_is_output():
    long = asked("x" * 50_000)
    assert usage(long, "y")["prompt_tokens_details"]["cached_tokens"] % 128 == 0
    assert 0 < usage(long, "y")["prompt_tokens_details"]["cached_tokens"] < usage(long, "y")["prompt_tokens"]
    assert usage(asked("x"), "y")["prompt_tokens_details"]["cached_tokens"] == 0
    thought = usage(asked("x") | {"model": "o4-mini"}, "y")
    assert 0 < thought["completion_tokens_details"]["reasoning_tokens"] < thought["completion_tokens"]
