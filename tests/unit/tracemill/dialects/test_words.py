"""Each thing has one word, and a word that is ours stays."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemill.dialects import words
from tracemill.dialects.classify import SPAN_TYPES

TABLES = {name: getattr(words, name) for name in ("OPERATIONS", "PROVIDERS", "FINISH_REASONS", "OPERATION_OF_KIND")}


@pytest.mark.parametrize("table", [words.OPERATIONS, words.PROVIDERS, words.FINISH_REASONS])
def test_a_word_of_ours_is_no_word_that_is_translated(table):
    assert not set(table) & set(table.values())


def test_kinds_and_operations_stand_for_types_that_there_are():
    assert {*words.TYPE_OF_KIND.values(), *words.TYPE_OF_OPERATION.values()} <= set(SPAN_TYPES)
    assert set(words.OPERATION_OF_KIND) <= {*words.TYPE_OF_KIND, *SPAN_TYPES}
    assert all(operation in words.TYPE_OF_OPERATION for operation in words.OPERATION_OF_KIND.values())


@given(st.sampled_from(sorted(TABLES)), st.data())
def test_a_column_is_translated_word_by_word(name, data):
    table = TABLES[name]
    texts = data.draw(st.lists(st.sampled_from(sorted(table)) | st.text(max_size=3)))
    column = pa.array(texts, pa.string())
    assert words.translated(column, table).to_pylist() == [table.get(text, text) for text in texts]


@given(st.lists(st.tuples(st.sampled_from(["", "own"]), st.sampled_from(["", "LLM", "CHAIN", "tool"]))))
def test_what_is_empty_is_filled_up_from_another_column(rows):
    column, others = (pa.array([row[side] for row in rows], pa.string()) for side in (0, 1))
    expected = [text or words.OPERATION_OF_KIND.get(other, "") for text, other in rows]
    assert words.filled(column, others, words.OPERATION_OF_KIND).to_pylist() == expected
