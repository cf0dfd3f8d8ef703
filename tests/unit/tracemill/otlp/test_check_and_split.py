"""What is checked and cut says the same as upb says of the whole request: the oracle of `check`, `split`, `bundles`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, TracesData

from tests.builders.otlp import mutated, request, requests, span, span_id, text, trace_id
from tests.oracles.requests import LIMITS, assert_index, assert_same, cut, may_be_taken
from tracemill.bundles import TENANT_ATTRIBUTE
from tracemill.config import Limits
from tracemill.errors import Malformed, Reason, TooLarge
from tracemill.otlp.check import HEAD_BYTES, SCOPES, check
from tracemill.otlp.split import split
from tracemill.otlp.wire import field

PIECES = st.sampled_from([1 << 20, 200, 1])


@given(requests(), st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), PIECES)
def test_any_request_is_in_the_bundles_as_upb_sees_it(
    any_request: ExportTraceServiceRequest, tenant: str, piece_bytes: int
) -> None:
    body = any_request.SerializeToString()
    assert_same(body, tenant, piece_bytes)
    assert_index(body, tenant, piece_bytes)


@settings(max_examples=400)
@given(mutated(), PIECES)
def test_mutated_bytes_are_refused_where_upb_refuses_them_and_taken_as_upb_takes_them(
    body: bytes, piece_bytes: int
) -> None:
    if not may_be_taken(body):
        with pytest.raises(Malformed):
            check(body, LIMITS)
        return
    assert_same(body, "acme", piece_bytes)
    assert_index(body, "acme", piece_bytes)


@given(requests())
def test_accepted_and_refused_are_all(any_request: ExportTraceServiceRequest) -> None:
    checked = check(any_request.SerializeToString(), LIMITS)
    total = sum(len(scope.spans) for resource in any_request.resource_spans for scope in resource.scope_spans)
    assert checked.accepted + checked.refusals.count == total
    assert checked.accepted == sum(len(batch.spans) for batch in checked.batches)
    assert sum(checked.refusals.by_reason.values()) == checked.refusals.count


def test_repeated_and_late_resource_and_scope_fields_merge() -> None:
    first, second = (Resource(attributes=[text(key, "1")]).SerializeToString() for key in "ab")
    scopes = [InstrumentationScope(name="x").SerializeToString(), InstrumentationScope(version="2").SerializeToString()]
    inner = field(1, scopes[0]) + field(2, span().SerializeToString()) + field(1, scopes[1])
    body = field(1, field(1, first) + field(2, inner) + field(1, second))
    assert_same(body, "acme", 1 << 20)
    assert_index(body, "acme", 1 << 20)
    (piece,) = cut(body)
    (resource,) = TracesData.FromString(b"".join(piece.parts)).resource_spans
    assert [pair.key for pair in resource.resource.attributes] == ["a", "b", TENANT_ATTRIBUTE]


def test_the_last_of_two_trace_ids_counts() -> None:
    two = field(1, trace_id(1)) + span(trace=2).SerializeToString()
    (piece,) = cut(field(1, field(2, field(2, two))))
    assert [chunk[0] for chunk in piece.group.chunks] == [trace_id(2)]


def test_a_tenant_in_the_resource_does_not_count() -> None:
    body = request(span())
    body.resource_spans[0].resource.attributes.append(text(TENANT_ATTRIBUTE, "victim"))
    (piece,) = cut(body.SerializeToString(), tenant="acme")
    value = b"".join(piece.parts)
    assert value[slice(*piece.group.tenant)] == b"acme"
    (resource,) = TracesData.FromString(value).resource_spans
    assert [pair.value.string_value for pair in resource.resource.attributes][-2:] == ["victim", "acme"]


def test_spans_of_a_trace_lie_side_by_side_in_order_of_arrival() -> None:
    sent = [span(trace=number % 2, number=number, parent=99) for number in range(6)]
    pieces = cut(request(*sent).SerializeToString())
    found = {}
    for piece in pieces:
        value = b"".join(piece.parts)
        for trace, start, end, packed in piece.group.chunks:
            assert packed == 3 << 1
            found[trace] = [one.span_id for one in ScopeSpans.FromString(value[start:end]).spans]
    assert found == {
        trace_id(0): [span_id(number) for number in (0, 2, 4)],
        trace_id(1): [span_id(number) for number in (1, 3, 5)],
    }


def test_a_piece_is_not_larger_than_said_unless_one_span_is() -> None:
    sent = [span(number=number, name="x" * 300) for number in range(20)]
    pieces = cut(request(*sent).SerializeToString(), piece_bytes=2_000)
    assert len(pieces) > 3
    assert max(piece.size for piece in pieces) <= 2_000
    assert all(piece.size > 1_400 for piece in pieces[:-1])


@pytest.mark.parametrize(
    ("bad", "reason", "says"),
    [
        (span(trace_id=b"abc"), Reason.BAD_TRACE_ID, "trace_id must be 16 bytes"),
        (span(trace_id=bytes(16)), Reason.BAD_TRACE_ID, "trace_id must be 16 bytes"),
        (span(span_id=b"abc"), Reason.BAD_SPAN_ID, "span_id must be 8 bytes"),
        (span(span_id=bytes(8)), Reason.BAD_SPAN_ID, "span_id must be 8 bytes"),
        (span(parent_span_id=b"abc"), Reason.BAD_SPAN_ID, "parent_span_id must be empty or 8 bytes"),
        (span(name="x" * 2_000), Reason.SPAN_TOO_LARGE, "a span may be 1000 bytes"),
    ],
)
def test_a_bad_span_is_refused_alone_and_named(bad: Any, reason: Reason, says: str) -> None:
    checked = check(request(span(), bad, bad, span(number=1)).SerializeToString(), Limits(span_bytes=1_000))
    assert checked.accepted == 2
    assert checked.refusals.by_reason == {reason: 2}
    assert checked.refusals.text.startswith("2 refused: ")
    assert says in checked.refusals.text
    assert "resource_spans[0].scope_spans[0].spans[1]" in checked.refusals.text


def test_what_is_said_of_refused_spans_is_bounded() -> None:
    sizes = [(trace, own, parent) for trace in range(17) for own in range(9) for parent in range(9)]
    sent = [span(trace_id=b"x" * a, span_id=b"x" * b, parent_span_id=b"x" * c, name="n" * 2_000) for a, b, c in sizes]
    checked = check(request(*sent).SerializeToString(), Limits(span_bytes=1_000))
    assert checked.accepted == 0
    assert len(checked.refusals.text) < 600


def test_too_many_spans_are_refused_before_they_take_memory() -> None:
    small = Limits(request_spans=10)
    assert check(request(*[span()] * 10).SerializeToString(), small).accepted == 10
    with pytest.raises(TooLarge, match="11 spans, a request may hold 10"):
        check(request(*[span()] * 11).SerializeToString(), small)
    with pytest.raises(TooLarge, match="too many parts, a request may hold 50000"):
        check(field(1, field(2, field(2, b"") * 1_000_000)), LIMITS)
    with pytest.raises(TooLarge, match="scope_spans, a request may hold"):
        check(field(1, field(2, b"") * (SCOPES + 1)), LIMITS)


def test_a_large_request_is_cut_like_a_small_one() -> None:
    sent = [span(trace=number % 50, number=number, name="x" * 3_000) for number in range(700)]
    body = request(*sent).SerializeToString()
    assert len(body) > 2 << 20
    assert_same(body, "acme", 1 << 20)
    with pytest.raises(Malformed, match="cut short"):
        check(body[:-1], LIMITS)


def test_a_resource_may_not_be_so_large_that_repeating_it_costs_more_than_the_spans() -> None:
    body = request(span())
    body.resource_spans[0].resource.attributes.append(text("x", "y" * HEAD_BYTES))
    with pytest.raises(TooLarge, match=r"resource_spans\[0\].scope_spans\[0\]: resource and scope are"):
        check(body.SerializeToString(), LIMITS)
    many = request(*[span(trace=number, number=number) for number in range(100)], service="s" * 10_000)
    with pytest.raises(TooLarge, match="too large to be repeated"):
        split(check(many.SerializeToString(), LIMITS).batches, "acme", 64, 1 << 20, 100_000)


@pytest.mark.parametrize("body", [b"not protobuf", b"\x0a\x7fabc", request(span()).SerializeToString()[:-1]])
def test_what_is_no_request_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Malformed, match="isn't an ExportTraceServiceRequest"):
        check(body, LIMITS)


def test_text_that_is_not_utf_8_is_refused_whole_and_named() -> None:
    bad = span(number=1).SerializeToString() + field(5, b"\xff")
    body = field(1, field(2, field(2, span().SerializeToString()) + field(2, bad)))
    with pytest.raises(Malformed, match=r"resource_spans\[0\].scope_spans\[0\].spans\[1\]: .*UTF-8") as caught:
        check(body, LIMITS)
    assert caught.value.reason is Reason.BAD_ENCODING
    with pytest.raises(Malformed, match="UTF-8"):
        check(field(1, field(3, b"\xff")), LIMITS)


@pytest.mark.parametrize("levels", [45, 60, 2_000])
def test_values_nested_deeper_than_a_parser_goes_are_refused(levels: int) -> None:
    value = b""
    for _ in range(levels):
        value = field(5, field(1, value))
    body = field(1, field(2, field(2, span().SerializeToString() + field(9, field(1, b"k") + field(2, value)))))
    if levels == 45:
        assert check(body, LIMITS).accepted == 1
    else:
        with pytest.raises(Malformed):
            check(body, LIMITS)


def test_an_empty_request_is_fine() -> None:
    assert check(b"", LIMITS).accepted == 0
    assert cut(b"") == []
