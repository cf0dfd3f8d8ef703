"""A model's parameters are one JSON object, whether they came one by one or as one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.bundles import S
from tests.builders.decoded import column, frame
from tracemill.dialects import parameters, tables

NAMES = {name: keys[0] for name, keys in tables.PARAMETERS.items()}
VALUES = st.text(max_size=4) | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SENT = st.dictionaries(st.sampled_from(sorted(NAMES)), VALUES | st.just(True) | st.lists(VALUES, max_size=2))


@given(st.lists(SENT, min_size=1, max_size=4), st.data())
def test_parameters_sent_one_by_one_are_one_object(sent, data):
    read = frame(*(S(span=n, attributes={NAMES[k]: v for k, v in one.items()}).message() for n, one in enumerate(sent)))
    rows = sorted(data.draw(st.sets(st.integers(0, len(sent) - 1), min_size=1)))
    written = parameters.column(read.spans.attributes, read.kept, np.array(rows)).to_pylist()
    assert [json.loads(text) if text else {} for text in written] == [sent[row] for row in rows]


def params(attributes: dict[str, object]) -> str:
    other = S(attributes={"gen_ai.request.seed": 7}).message()
    return column("model_params", other, S(span=1, attributes=attributes).message())[1]


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ('{"model": "gpt", "temperature": 0.5, "messages": [{}], "tools": []}', '{"temperature":0.5}'),
        ('{"max_completion_tokens": 5, "stop_sequences": ["x"]}', '{"max_tokens":5,"stop":["x"]}'),
        ('{"stream": true, "stream_options": {}, "seed": null, "logprobs": false}', '{"stream":true}'),
        ('{"model": "gpt"}', ""),
        ("temperature=1", "temperature=1"),
        ("[1]", "[1]"),
    ],
)
def test_an_object_of_all_parameters_loses_what_other_columns_hold_and_what_wasnt_asked_for(sent, written):
    assert params({"llm.invocation_parameters": sent}) == written


def test_one_object_wins_over_parameters_one_by_one():
    both = {"llm.invocation_parameters": '{"top_p": 1}', "gen_ai.request.top_p": 0.5}
    assert params(both) == '{"top_p":1}'
    assert params({**both, "llm.invocation_parameters": "{}"}) == '{"top_p":0.5}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_lacks_is_null(value):
    assert params({"gen_ai.request.temperature": value}) == '{"temperature":null}'


def test_of_several_names_the_first_counts():
    assert params({"llm.top_k": 5, "gen_ai.request.top_k": 6, "gen_ai.request.stream": False}) == '{"top_k":6}'


def test_an_object_nested_too_deeply_to_be_written_stays_as_it_was_sent():
    deep = '{"x":' * 300 + "1" + "}" * 300
    assert params({"llm.invocation_parameters": deep}) == deep
