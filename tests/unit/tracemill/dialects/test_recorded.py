"""Events say of a call of a model what its attributes don't."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.bundles import S
from tests.builders.decoded import column, event
from tracemill.dialects.recorded import FIRST_CHUNK

CALL = {"gen_ai.operation.name": "chat"}


def span(attributes, *events, number=0):
    message = S(span=number, start_ms=0, attributes=attributes).message()
    message.events.extend(events)
    return message


@given(st.lists(st.tuples(st.sampled_from([*FIRST_CHUNK, "other"]), st.integers(-2, 50)), max_size=5))
def test_the_earliest_chunk_says_when_an_answer_began(told):
    chunks = [max(after, 0) for name, after in told if name != "other"]
    sent = span(CALL, *(event(name, {}, after) for name, after in told))
    assert column("ttft_ms", span({}, number=1), sent) == [None, min(chunks, default=None)]


def test_an_attribute_says_it_better_than_an_event_and_only_calls_have_a_first_token():
    chunk = event(FIRST_CHUNK[0], {}, 5)
    said = span(CALL | {"gen_ai.response.time_to_first_chunk": 0.007}, chunk)
    assert column("ttft_ms", said, span({}, chunk, number=1), span(CALL, chunk, number=2)) == [7, None, 5]


def test_an_event_without_a_time_says_nothing():
    chunk = event(FIRST_CHUNK[0])
    chunk.time_unix_nano = 0
    assert column("ttft_ms", span(CALL, chunk)) == [None]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (event("gen_ai.choice", {"finish_reason": "end_turn", "message": "x"}), "stop"),
        (event("other", {"finish_reason": "end_turn"}), ""),
        (event("x", {"gen_ai.output.messages": '[{"parts":[],"finish_reason":"tool_use"}]'}), "tool_call"),
        (event("exception", {"exception.type": "X"}), ""),
    ],
)
def test_the_choice_that_was_recorded_says_why_a_model_stopped(told, reason):
    said = span(CALL | {"llm.finish_reason": "length"}, told, number=1)
    assert column("finish_reason", span(CALL, told), said, span({}, told, number=2)) == [reason, "length", ""]
