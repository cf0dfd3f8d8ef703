"""Any text survives as a JSON string, and text is only taken for JSON when it is."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemill.dialects.json_text import embedded, quoted, read, unquoted, written

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(['"', "\\n", "\x00\n", "\x1f"]))


@given(TEXTS)
def test_a_quoted_text_reads_back_as_itself(texts):
    assert [json.loads(one) for one in quoted(pa.array(texts, pa.string())).to_pylist()] == texts


@given(TEXTS)
def test_what_is_embedded_is_json_whatever_it_was(texts):
    for text, value in zip(texts, embedded(pa.array(texts, pa.string())).to_pylist(), strict=True):
        json.loads(value)
        assert value == text or json.loads(value) == text


@pytest.mark.parametrize("text", ['{"a": [1, null]}', " 1 ", '"x"', "1e-7", "[]"])
def test_json_stays_as_it_is(text):
    assert embedded(pa.array([text])).to_pylist() == [text]


@pytest.mark.parametrize("text", ["", "nan", "{}{}", "{'a': 1}", '{"a":1}],"x":[{', "[" * 100_000])
def test_what_only_looks_like_it_is_a_string(text):
    assert json.loads(embedded(pa.array([text])).to_pylist()[0]) == text


@given(TEXTS)
def test_a_string_in_json_says_its_text_and_any_other_text_stays(texts):
    column = pa.array([json.dumps(text) for text in texts] + texts, pa.string())
    expected = texts + [json.loads(text) if _is_string(text) else text for text in texts]
    assert unquoted(column).to_pylist() == expected


def _is_string(text: str) -> bool:
    try:
        return isinstance(json.loads(text), str)
    except ValueError:
        return False


@pytest.mark.parametrize("value", [None, 1, [1], {"a": "b"}, "no json", '"', "[" * 2000])
def test_what_is_no_json_is_read_as_it_is(value):
    assert read(value) == value


def test_what_is_nested_too_deeply_is_not_written():
    deep: list[object] = []
    for _ in range(300):
        deep = [deep]
    assert written(deep, "otherwise") == "otherwise"
    assert written({"a": "ä"}) == '{"a":"ä"}'
