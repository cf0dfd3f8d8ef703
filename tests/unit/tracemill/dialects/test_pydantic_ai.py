"""Arguments of tool calls are values and no texts, whoever wrote them."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from tests.builders.bundles import S
from tests.builders.decoded import column
from tracemill.dialects import pydantic_ai


def call(arguments: object) -> str:
    return json.dumps([{"role": "assistant", "parts": [{"type": "tool_call", "arguments": arguments}]}])


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_text_with_json_in_it_is_what_it_holds(separators):
    sent = json.dumps(json.loads(call('{"q": "ä"}')), separators=separators)
    plain = call({"q": "ä"})
    written = pydantic_ai.with_arguments(pa.array([plain, sent, ""])).to_pylist()
    assert [json.loads(one) if one else one for one in written] == [json.loads(plain)] * 2 + [""]


@pytest.mark.parametrize(
    "odd",
    [
        call("no json"),
        '{"arguments":"{}"}',
        '"arguments":"',
        '[{"parts":[{"arguments":"1"', '["x",{"parts":5},{"parts":["arguments"]}]',
        '[{"parts":[{"arguments":"' + "[" * 300 + "]" * 300 + '"}]}]',
    ],
)  # fmt: skip
def test_anything_else_stays_as_it_is(odd):
    (written,) = pydantic_ai.with_arguments(pa.array([odd])).to_pylist()
    assert written == odd or json.loads(written) == json.loads(odd)


def test_messages_of_others_are_left_alone():
    span = S(attributes={"gen_ai.input.messages": call("{}")}).message()
    assert column("input_messages", span, scope="other") == [call("{}")]
    assert json.loads(column("input_messages", span, scope="pydantic-ai")[0]) == json.loads(call({}))
