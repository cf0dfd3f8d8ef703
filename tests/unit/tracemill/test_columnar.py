"""Messages that a table describes read and write what protobuf's own messages do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tracemill.columnar import INT64, OTLP, TEXT, Field, handlers

TEXTS = st.text(max_size=5)
IDS = st.binary(max_size=16)
TIMES = st.integers(0, 2**64 - 1)
ATTRIBUTES = st.lists(st.builds(KeyValue, key=TEXTS, value=st.builds(AnyValue, string_value=TEXTS)), max_size=2)
EVENTS = st.builds(Span.Event, time_unix_nano=TIMES, name=TEXTS, attributes=ATTRIBUTES)
LINKS = st.builds(Span.Link, trace_id=IDS, span_id=IDS, trace_state=TEXTS, attributes=ATTRIBUTES)
SPANS = st.builds(
    Span,
    trace_id=IDS,
    span_id=IDS,
    parent_span_id=IDS,
    trace_state=TEXTS,
    name=TEXTS,
    kind=st.sampled_from([0, 1, 5]),
    start_time_unix_nano=TIMES,
    end_time_unix_nano=TIMES,
    attributes=ATTRIBUTES,
    events=st.lists(EVENTS, max_size=2),
    links=st.lists(LINKS, max_size=2),
)
SPAN = handlers("tests.columnar", OTLP)["Span"]


@given(st.lists(SPANS, min_size=1, max_size=3))
def test_what_is_read_from_spans_is_what_was_written_and_writes_them_again(spans: list[Span]) -> None:
    batch = SPAN.list_to_record_batch([span.SerializeToString() for span in spans])
    assert batch.column("start").to_pylist() == [span.start_time_unix_nano for span in spans]
    assert [
        [(event["name"], [pair["key"] for pair in event["attributes"]]) for event in events]
        for events in batch.column("events").to_pylist()
    ] == [[(event.name, [pair.key for pair in event.attributes]) for event in span.events] for span in spans]
    written = SPAN.record_batch_to_array(batch).to_pylist()
    assert [Span.FromString(value) for value in written] == spans


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(ValueError, match="unexpected EOF"):
        SPAN.list_to_record_batch([b"\x0a\x05x"])


def test_a_length_beyond_all_memory_is_refused_like_any_other() -> None:
    for size in (b"\xff" * 9 + b"\x01", b"\xff" * 9 + b"\x7f", b"\xff\xff\xff\xff\x0f", b"\x80" * 9 + b"\x01"):
        for inside in (b"\x0a" + size, b"\x4a\x0c\x12" + size, b"\x52" + size):
            with pytest.raises(ValueError, match=r"decode|not a message"):
                SPAN.list_to_record_batch([inside + b"some bytes"])


def test_of_a_choice_an_empty_text_is_not_none() -> None:
    table = {"One": {"text": Field(1, TEXT), "number": Field(3, INT64)}}
    chosen, plain = (handlers(f"tests.{name}", table, choice)["One"] for name, choice in _CHOICES.items())
    sent = [AnyValue(string_value="").SerializeToString(), AnyValue(int_value=0).SerializeToString()]
    assert chosen.list_to_record_batch(sent).to_pylist() == [{"text": "", "number": None}, {"text": None, "number": 0}]
    assert plain.list_to_record_batch([b"", b""]).to_pylist() == [{"text": "", "number": 0}] * 2


_CHOICES = {"chosen": frozenset({"One"}), "plain": frozenset[str]()}
