"""Who means no good is refused with a code and a reason; the worker stays what it was, and everyone else is served."""

from __future__ import annotations

import gzip
import json
import math
import random
from typing import Any

import grpc
import pytest
import zstandard
from grpc import StatusCode
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.builders.attacks import (
    MIB,
    TINY,
    bomb,
    nested,
    nested_json,
    one_span,
    refused,
    spans_in_json,
    wrapped,
)
from tests.builders.ingesting import JSON, PROTOBUF, Ingester, found_by_id, said
from tests.builders.otlp import in_json, request, span, span_id, text
from tests.fixtures.attacked import KEY, METADATA
from tests.oracles.requests import may_be_taken
from tracemill.otlp.wire import field

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("neighbour")]

BODY = request(span()).SerializeToString()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw", "zstd"])
def test_a_bomb_goes_off_nowhere(attacked: Ingester, coding: str) -> None:
    header = "deflate" if coding == "raw" else coding
    heard = attacked.post(bomb(coding, 1024 * MIB), PROTOBUF, Content_Encoding=header, **KEY)
    assert heard.status == 413
    assert "inflates to more than 67108864 bytes (limits.inflated_bytes)" in said(heard, PROTOBUF)


def test_a_bomb_in_a_bomb_is_no_request(attacked: Ingester) -> None:
    heard = attacked.post(gzip.compress(bomb("gzip", 256 * MIB)), PROTOBUF, Content_Encoding="gzip", **KEY)
    assert heard.status == 400
    heard = attacked.post(gzip.compress(BODY), PROTOBUF, Content_Encoding="gzip, gzip", **KEY)
    assert heard.status == 415


def test_a_frame_that_asks_for_a_huge_window_is_refused(attacked: Ingester) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = packed.compress(bytes(MIB)) + packed.flush()
    heard = attacked.post(body, PROTOBUF, Content_Encoding="zstd", **KEY)
    assert heard.status == 400
    assert "isn't valid zstd" in said(heard, PROTOBUF)


@pytest.mark.parametrize("tiny", TINY)
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_millions_of_tiny_parts_are_counted_before_they_are_read(attacked: Ingester, tiny: str, coding: str) -> None:
    sent = gzip.compress(TINY[tiny](), 1) if coding else TINY[tiny]()
    heard = attacked.post(sent, PROTOBUF, **({"Content_Encoding": coding} if coding else {}), **KEY)
    assert heard.status == 413
    assert said(heard, PROTOBUF).startswith("resource_spans: ")


TINY_JSON = {
    "spans": lambda: spans_in_json(*[b"{}"] * 5_000_000),
    "attributes": lambda: spans_in_json(b'{"attributes":[' + b",".join([b'{"key":"a"}'] * 1_200_000) + b"]}"),
    "values": lambda: spans_in_json(
        b'{"attributes":[{"value":{"arrayValue":{"values":[' + b",".join([b"{ }"] * 3_000_000) + b"]}}}]}"
    ),
}


@pytest.mark.parametrize("tiny", TINY_JSON)
def test_so_are_those_in_json(attacked: Ingester, tiny: str) -> None:
    heard = attacked.post(TINY_JSON[tiny](), JSON, **KEY)
    assert heard.status == 413
    assert "objects, a request may hold 1000000" in said(heard, JSON)


def test_the_largest_request_in_json_that_is_read_at_all(attacked: Ingester) -> None:
    heard = attacked.post(gzip.compress(spans_in_json(*[b"{}"] * 990_000), 1), JSON, Content_Encoding="gzip", **KEY)
    assert heard.status == 413
    assert "a request may hold 50000 spans" in said(heard, JSON)


def test_a_resource_that_would_be_stored_thousands_of_times_is_refused(attacked: Ingester) -> None:
    body = request(*[span(number=number) for number in range(20_000)], service="s" * 200_000).SerializeToString()
    heard = attacked.post(body, **KEY)
    assert heard.status == 413
    assert "each span is stored with its resource" in said(heard, PROTOBUF)


def test_an_attribute_of_a_hundred_megabytes(attacked: Ingester, calling: grpc.Channel) -> None:
    huge = request(span(attributes=[text("huge", "x" * 100 * MIB)])).SerializeToString()
    heard = attacked.post(huge, **KEY)
    assert (heard.status, "limits.request_bytes" in said(heard, PROTOBUF)) == (413, True)
    heard = attacked.post(gzip.compress(huge, 1), Content_Encoding="gzip", **KEY)
    assert (heard.status, "limits.inflated_bytes" in said(heard, PROTOBUF)) == (413, True)
    error = refused(calling, huge, METADATA)
    assert error.code() is StatusCode.RESOURCE_EXHAUSTED
    large = request(span(attributes=[text("huge", "x" * 50 * MIB)]), span(number=1)).SerializeToString()
    heard = attacked.post(gzip.compress(large, 1), Content_Encoding="gzip", **KEY)
    partial = ExportTraceServiceResponse.FromString(heard.body).partial_success
    assert (heard.status, partial.rejected_spans) == (200, 1)
    assert "a span may be 2097152 bytes (first: resource_spans[0].scope_spans[0].spans[0])" in partial.error_message


@pytest.mark.parametrize("levels", [60, 10_000])
def test_values_in_values_in_values(attacked: Ingester, calling: grpc.Channel, levels: int) -> None:
    heard = attacked.post(one_span(nested(levels)), **KEY)
    assert heard.status == 400
    assert "resource_spans[0].scope_spans[0].spans[0]: not OTLP protobuf, or nested too deeply" in said(heard, PROTOBUF)
    assert refused(calling, one_span(nested(levels)), METADATA).code() is StatusCode.INVALID_ARGUMENT
    heard = attacked.post(nested_json(levels), JSON, **KEY)
    assert heard.status == 400
    assert "nested too deeply" in said(heard, JSON)


def test_brackets_and_braces_without_end(attacked: Ingester) -> None:
    for body in (b"[" * 10 * MIB, b'{"a":' * 2 * MIB, b'{"resourceSpans":' + b"[" * MIB, b'"' + b"\\u" * MIB):
        assert attacked.post(body, JSON, **KEY).status in (400, 413)


def test_requests_cut_short_or_with_flipped_bits_are_taken_as_protobuf_takes_them(
    attacked: Ingester, calling: grpc.Channel
) -> None:
    dice = random.Random(4)
    whole = request(span(attributes=[text("key", "value")]), span(number=1)).SerializeToString()
    damaged = [whole[:end] for end in range(len(whole))]
    for _ in range(100):
        flipped = bytearray(whole)
        for place in dice.sample(range(len(whole)), dice.randint(1, 3)):
            flipped[place] ^= 1 << dice.randrange(8)
        damaged.append(bytes(flipped))
    for body in damaged:
        heard = attacked.post(body, **KEY)
        assert (heard.status, said(heard, PROTOBUF) != "") in ((200, False), (200, True), (400, True))
        assert (heard.status == 200) == may_be_taken(body)
    for body in damaged[::10]:
        assert may_be_taken(body) or refused(calling, body, METADATA).code() is StatusCode.INVALID_ARGUMENT


IDS = {"traceId": "ab" * 16, "spanId": "cd" * 8}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": 5}, "name"),
        ({"kind": "SERVER"}, "kind"),
        ({"kind": 1.5}, "kind"),
        ({"kind": 2**31}, "kind"),
        ({"flags": -1}, "flags"),
        ({"attributes": {}}, "attributes"),
        ({"attributes": [{"key": 1}]}, "key"),
        ({"attributes": [{"key": "k", "value": "text"}]}, "value"),
        ({"attributes": [{"key": "k", "value": {"intValue": 1.5}}]}, "intValue"),
        ({"attributes": [{"key": "k", "value": {"intValue": 2**63}}]}, "intValue"),
        ({"attributes": [{"key": "k", "value": {"intValue": "1" * 5_000}}]}, "intValue"),
        ({"attributes": [{"key": "k", "value": {"boolValue": 1}}]}, "boolValue"),
        ({"attributes": [{"key": "k", "value": {"doubleValue": "one"}}]}, "doubleValue"),
        ({"attributes": [{"key": "k", "value": {"intValue": 1, "stringValue": ""}}]}, "more than one of"),
        ({"startTimeUnixNano": -1}, "startTimeUnixNano"),
        ({"startTimeUnixNano": 2**64}, "startTimeUnixNano"),
        ({"endTimeUnixNano": "soon"}, "endTimeUnixNano"),
        ({"traceId": 7}, "traceId"),
        ({"status": []}, "status"),
        ({"events": [None]}, "events"),
    ],
)
def test_a_field_of_another_type_is_named(attacked: Ingester, fields: dict[str, Any], says: str) -> None:
    heard = attacked.post(spans_in_json(json.dumps({**IDS, **fields}).encode()), JSON, **KEY)
    assert heard.status == 400
    assert says in said(heard, JSON)


def test_a_protobuf_field_of_another_type_is_an_unknown_one(attacked: Ingester) -> None:
    wrong = b"\x28\x05" + field(6, b"kind") + b"\x4d\x00\x00\x00\x00"
    sent = span(number=71, name="").SerializeToString()
    assert attacked.post(wrapped(field(2, sent + wrong)), **KEY).status == 200
    (one,) = found_by_id(attacked, span_id(71))
    assert (one.span.name, one.span.kind, len(one.span.attributes)) == ("", 0, 0)


@pytest.mark.parametrize("body", [b'{"doubleValue":NaN}', b'{"doubleValue":1e400}', b'{"doubleValue":Infinity}'])
def test_numbers_that_json_does_not_have_are_refused(attacked: Ingester, body: bytes) -> None:
    sent = spans_in_json(b'{"traceId":"%s","spanId":"%s","attributes":[{"key":"k","value":%s}]}')
    heard = attacked.post(sent % (b"ab" * 16, b"cd" * 8, body), JSON, **KEY)
    assert heard.status == 400


def test_numbers_at_their_ends_are_in_the_log_as_they_were_sent(attacked: Ingester) -> None:
    sent = span(number=81, start_time_unix_nano=0, end_time_unix_nano=2**64 - 1)
    numbers = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308]
    for number in numbers:
        sent.attributes.add(key="d").value.double_value = number
    for number in (2**63 - 1, -(2**63), 0):
        sent.attributes.add(key="i").value.int_value = number
    ahead = span(number=82, start_time_unix_nano=2**63, end_time_unix_nano=1)
    for body, media in ((request(sent, ahead).SerializeToString(), PROTOBUF), (in_json(request(sent, ahead)), JSON)):
        heard = attacked.post(body, media, **KEY)
        assert (heard.status, heard.body) == (200, b"" if media == PROTOBUF else b"{}")
    one, other = found_by_id(attacked, span_id(81), span_id(82))
    assert one.span.SerializeToString() == sent.SerializeToString()
    assert other.span == ahead


@pytest.mark.parametrize("media", [PROTOBUF, JSON])
def test_ids_that_are_none_are_refused_one_by_one_and_named(attacked: Ingester, media: str) -> None:
    bad = [span(trace_id=bytes(16)), span(span_id=bytes(8)), span(trace_id=b""), span(parent_span_id=b"xyz")]
    sent = request(*bad, span(number=91))
    heard = attacked.post(sent.SerializeToString() if media == PROTOBUF else in_json(sent), media, **KEY)
    assert heard.status == 200
    if media == PROTOBUF:
        partial = ExportTraceServiceResponse.FromString(heard.body).partial_success
        rejected, message = partial.rejected_spans, partial.error_message
    else:
        told = json.loads(heard.body)["partialSuccess"]
        rejected, message = int(told["rejectedSpans"]), told["errorMessage"]
    assert rejected == 4
    for words in ("trace_id must be", "span_id must be 8 bytes", "parent_span_id must be", "spans[0]", "spans[1]"):
        assert words in message


def test_of_keys_that_come_twice_the_last_counts(attacked: Ingester) -> None:
    twice = b'{"traceId":"%s","spanId":"%s","name":"first","name":"last","spanId":"%s"}'
    body = spans_in_json(twice % (b"ab" * 16, b"cd" * 8, span_id(101).hex().encode()))
    assert attacked.post(body, JSON, **KEY).status == 200
    (one,) = found_by_id(attacked, span_id(101))
    assert one.span.name == "last"
