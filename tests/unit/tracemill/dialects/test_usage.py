"""Numbers amount to the same, in whichever parts, units and conventions they come."""

from __future__ import annotations

import pytest

from tests.builders.bundles import S
from tests.builders.decoded import column


def of(name: str, *sent: dict[str, object]) -> list[object]:
    return column(name, *(S(span=number, attributes=attributes).message() for number, attributes in enumerate(sent)))


IN, OUT = "llm.token_count.prompt_details.audio", "llm.token_count.completion_details.audio"
READ, WRITTEN = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"
SENT = "gen_ai.usage.input_tokens"


def test_audio_is_what_was_heard_and_what_was_said():
    whole = {"gen_ai.usage.details.audio_tokens": 9, IN: 1}
    assert of("audio_tokens", {IN: 2, OUT: 3}, {IN: 2}, {OUT: 0}, whole, {}) == [5, 2, 0, 9, None]


def test_a_cost_is_reported_in_all_or_in_parts():
    parts = {"llm.cost.prompt": 0.25, "llm.cost.completion": 0.5}
    sent = [parts, parts | {"llm.cost.total": 1}, {"operation.cost": 0.125}, {"gen_ai.usage.cost": 0}, {}]
    assert of("cost_usd", *sent) == [0.75, 1, 0.125, 0, None]
    assert of("cost_source", *sent) == ["reported"] * 4 + [""]


@pytest.mark.parametrize(
    ("sent", "tokens"),
    [
        ({SENT: 100, READ: 60, WRITTEN: 40}, 100),
        ({SENT: 100, READ: 60, WRITTEN: 41}, 201),
        ({SENT: 0, READ: 5}, 5),
        ({SENT: 7}, 7),
        ({READ: 5}, None),
        ({}, None),
    ],
)
def test_input_tokens_include_what_was_cached_also_where_that_was_told_apart(sent, tokens):
    assert of("input_tokens", {SENT: 1}, sent) == [1, tokens]


def test_the_time_to_the_first_token_is_in_milliseconds():
    seconds = {"gen_ai.response.time_to_first_chunk": 0.25}
    milliseconds = {"gen_ai.server.time_to_first_token": 31}
    assert of("ttft_ms", seconds, milliseconds, seconds | milliseconds, {}) == [250, 31, 250, None]
