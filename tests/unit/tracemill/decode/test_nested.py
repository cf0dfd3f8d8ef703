"""What many spans' events say, read at once, is what each says by itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.bundles import START_NS, S
from tests.builders.decoded import event, frame
from tracemill.decode.nested import Recorded, mentioned

NAMES = ("a", "b", "")
EVENTS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.dictionaries(st.sampled_from("xy"), st.text(max_size=2)), st.integers(0, 9)),
    max_size=4,
)


@given(st.lists(EVENTS, min_size=1, max_size=4), st.data())
def test_the_last_word_and_the_first_time_of_each_span(spans, data):
    messages = []
    for number, told in enumerate(spans):
        message = S(span=number).message()
        message.events.extend(event(name, attributes, after) for name, attributes, after in told)
        messages.append(message)
    lists = frame(*messages).spans.events
    rows = sorted(data.draw(st.sets(st.integers(0, len(spans) - 1))))
    recorded = Recorded.of(lists, np.array(rows, np.int64))
    chosen = [spans[row] for row in rows]
    for name in ("", "a"):
        expected = [[told["x"] for said, told, _ in one if "x" in told and name in ("", said)] for one in chosen]
        assert recorded.last("x", name).to_pylist() == [words[-1] if words else "" for words in expected]
    times = [[START_NS + after * 1_000_000 for said, _, after in one if said in ("a", "b")] for one in chosen]
    assert recorded.first_ns(("a", "b")).tolist() == [min(one, default=0) for one in times]


def test_a_cheap_look_finds_names_and_keys():
    message = S().message()
    assert not mentioned(frame(message).spans.events, ("a.name",))
    message.events.append(event("a.name", {"a.key": "value"}))
    lists = frame(S(span=1).message(), message).spans.events
    assert mentioned(lists, ("none", "a.name"))
    assert mentioned(lists, ("a.key",))
    assert not mentioned(lists, ("none",))
