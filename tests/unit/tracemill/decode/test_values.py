"""Whatever an attribute's value is, reading many at once says what protobuf says of each."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.bundles import any_value
from tracemill.decode.values import Values, read_text

scalars = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="aé漢", min_size=120, max_size=20_000),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.binary(max_size=20),
)


def nested(inner):
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3))


plain = st.recursive(scalars, nested, max_leaves=5)
messages = plain.map(lambda value: any_value(value).SerializeToString())


def overlong(text: str) -> bytes:
    """A string whose length takes one byte more than it needs: legal on the wire, and never the usual form."""
    body = text.encode()
    return b"\x0a" + bytes([len(body) | 0x80, 0]) + body


odd = st.one_of(
    st.just(b""),
    st.text(max_size=20).filter(lambda text: len(text.encode()) < 128).map(overlong),
    st.just(b"\x10\x80\x00"),
    st.just(b"\x18\x85\x00"),
    st.just(b"\x0a\x01a\x0a\x01b"),
    st.just(b"\x0a\x01a\x18\x07"),
    st.just(b"\x18\x07\x0a\x01a"),
)
lists = st.lists(st.one_of(messages, odd), min_size=1, max_size=30)


def values(messages_: list[bytes]) -> Values:
    return Values.of(pa.array(messages_, pa.binary()))


@given(lists)
def test_text_is_what_protobuf_reads(messages_):
    found = values(messages_).text(np.arange(len(messages_)))
    assert found.type == pa.string()
    assert found.to_pylist() == [read_text(message) for message in messages_]


def test_a_zero_below_zero_stays_one_beside_a_zero():
    numbers = [0.0, -0.0, float("nan"), 0.0]
    found = values([any_value(number).SerializeToString() for number in numbers]).text(np.arange(4))
    assert found.to_pylist() == ["0.0", "-0.0", "nan", "0.0"]


@given(lists, st.data())
def test_any_positions_may_be_asked_for(messages_, data):
    places = data.draw(st.lists(st.integers(0, len(messages_) - 1), max_size=40))
    found = values(messages_).text(np.array(places, np.int64))
    assert found.to_pylist() == [read_text(messages_[place]) for place in places]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_are_exact(numbers):
    found, known = values([any_value(number).SerializeToString() for number in numbers]).integers(
        np.arange(len(numbers))
    )
    assert known.all()
    assert found.tolist() == numbers


@given(st.lists(st.floats(), min_size=1))
def test_numbers_that_are_not_finite_are_unknown(numbers):
    found, known = values([any_value(number).SerializeToString() for number in numbers]).numbers(
        np.arange(len(numbers))
    )
    assert known.tolist() == [math.isfinite(number) for number in numbers]
    assert found[known].tolist() == [number for number in numbers if math.isfinite(number)]


def test_numbers_are_read_from_text_and_integers_from_whole_doubles():
    sent = ["12", "1.5", "abc", 3.0, 3.5, True, [1]]
    read = values([any_value(value).SerializeToString() for value in sent])
    assert read.numbers(np.arange(7))[1].tolist() == [True, True, False, True, True, False, False]
    integers, known = read.integers(np.arange(7))
    assert known.tolist() == [True, False, False, True, False, False, False]
    assert integers[known].tolist() == [12, 3]


def test_booleans():
    sent = [True, False, "true", 1]
    found, known = values([any_value(value).SerializeToString() for value in sent]).booleans(np.arange(4))
    assert known.tolist() == [True, True, False, False]
    assert found.tolist() == [True, False, False, False]
