"""Any text survives as a JSON string, and text is only taken for JSON when it is."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemill.dialects.json_text import embedded, quoted

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(['"', "\\n", "\x00\n", "\x1f"]))


@given(TEXTS)
def test_a_quoted_text_reads_back_as_itself(texts):
    assert [json.loads(one) for one in quoted(pa.array(texts, pa.string())).to_pylist()] == texts


@given(TEXTS)
def test_what_is_embedded_is_json_whatever_it_was(texts):
    for text, written in zip(texts, embedded(pa.array(texts, pa.string())).to_pylist(), strict=True):
        json.loads(written)
        assert written == text or json.loads(written) == text


@pytest.mark.parametrize("text", ['{"a": [1, null]}', " 1 ", '"x"', "1e-7", "[]"])
def test_json_stays_as_it_is(text):
    assert embedded(pa.array([text])).to_pylist() == [text]


@pytest.mark.parametrize("text", ["", "nan", "{}{}", "{'a': 1}", '{"a":1}],"x":[{', "[" * 100_000])
def test_what_only_looks_like_it_is_a_string(text):
    assert json.loads(embedded(pa.array([text])).to_pylist()[0]) == text
