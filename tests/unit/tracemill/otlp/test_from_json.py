"""A request in JSON becomes the same bytes that an SDK would send as protobuf; protobuf's own JSON is the oracle."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.builders.otlp import request, requests, span, text
from tracemill.errors import Malformed, Reason
from tracemill.otlp.from_json import to_protobuf

_IDS = ("traceId", "spanId", "parentSpanId")


def with_hex(value: Any, upper: bool) -> Any:
    """protobuf's JSON with ids as OTLP wants them."""
    if isinstance(value, list):
        return [with_hex(item, upper) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: hexed(inner, upper) if key in _IDS and isinstance(inner, str) else with_hex(inner, upper)
        for key, inner in value.items()
    }


def hexed(encoded: str, upper: bool) -> str:
    """base64 as hex."""
    digits = base64.b64decode(encoded).hex()
    return digits.upper() if upper else digits


def one(**fields: Any) -> bytes:
    """A JSON request of one span."""
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}).encode()


def read(**fields: Any) -> Any:
    """The span that such a request holds."""
    return ExportTraceServiceRequest.FromString(to_protobuf(one(**fields))).resource_spans[0].scope_spans[0].spans[0]


def value(**fields: Any) -> Any:
    """An attribute's value, read from JSON."""
    return read(attributes=[{"key": "k", "value": fields}]).attributes[0].value


@given(requests(), st.booleans(), st.booleans())
def test_json_gives_the_bytes_of_the_same_request_in_protobuf(
    sent: ExportTraceServiceRequest, upper: bool, escaped: bool
) -> None:
    plain = json_format.MessageToDict(sent, use_integers_for_enums=True)
    oracle = json_format.ParseDict(plain, ExportTraceServiceRequest())
    body = json.dumps(with_hex(plain, upper), ensure_ascii=escaped).encode()
    assert to_protobuf(body) == oracle.SerializeToString(deterministic=True)


@given(requests(), st.data())
def test_broken_json_is_refused_and_nothing_else_happens(sent: ExportTraceServiceRequest, data: st.DataObject) -> None:
    body = bytearray(json.dumps(with_hex(json_format.MessageToDict(sent), upper=False)).encode())
    at = data.draw(st.integers(0, len(body)))
    body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with suppress(Malformed):
        ExportTraceServiceRequest.FromString(to_protobuf(bytes(body)))


def test_numbers_may_be_text_or_numbers() -> None:
    for form in (int, str):
        assert read(startTimeUnixNano=form(2**64 - 1)).start_time_unix_nano == 2**64 - 1
        assert value(intValue=form(-(2**63))).int_value == -(2**63)
        assert value(doubleValue=form(3)).double_value == 3.0
    assert value(doubleValue="1e3").double_value == 1000.0
    assert value(doubleValue="-Infinity").double_value == float("-inf")
    assert str(value(doubleValue="NaN").double_value) == "nan"


@pytest.mark.parametrize("kind", [-1, -(2**31), 0, 5, 2**31 - 1])
def test_enums_are_numbers_of_32_bits_known_or_not(kind: int) -> None:
    oracle = request(span(kind=kind)).resource_spans[0].scope_spans[0].spans[0]
    assert read(kind=kind).kind == oracle.kind
    assert read(status={"code": kind}).status.code == kind


def test_what_is_set_is_kept_even_where_it_is_empty() -> None:
    assert value(boolValue=False).WhichOneof("value") == "bool_value"
    assert value(intValue=0).WhichOneof("value") == "int_value"
    assert value(stringValue="").WhichOneof("value") == "string_value"
    assert value(arrayValue={}).WhichOneof("value") == "array_value"
    assert value().WhichOneof("value") is None


@pytest.mark.parametrize("encoded", ["-_8=", "+/8=", "-_8", "+/8"])
def test_bytes_are_base64_of_either_alphabet(encoded: str) -> None:
    assert value(bytesValue=encoded).bytes_value == b"\xfb\xff"


def test_unknown_keys_and_null_are_ignored_and_only_camel_case_counts() -> None:
    assert read(name="x", unknown={"a": [1]}, kind=None, attributes=None, trace_state="lost").name == "x"
    assert read(name="x", trace_state="lost").trace_state == ""


def test_a_key_that_comes_twice_has_the_last_value() -> None:
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a","name":"b"}]}]}]}'
    assert ExportTraceServiceRequest.FromString(to_protobuf(body)).resource_spans[0].scope_spans[0].spans[0].name == "b"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"traceId": "xyz"}, "traceId must be hex"),
        ({"traceId": "ab cd"}, "traceId must be hex"),
        ({"spanId": "abc"}, "spanId must be hex"),
        ({"parentSpanId": "0x"}, "parentSpanId must be hex"),
        ({"kind": "SPAN_KIND_SERVER"}, "kind"),
        ({"startTimeUnixNano": "-1"}, "startTimeUnixNano must fit 64 bits"),
        ({"endTimeUnixNano": 2**64}, "endTimeUnixNano must fit 64 bits"),
        ({"endTimeUnixNano": "1_0"}, "endTimeUnixNano must be a whole number"),
        ({"endTimeUnixNano": "9" * 5_000}, "endTimeUnixNano must be a whole number"),
        ({"startTimeUnixNano": 1.5}, "startTimeUnixNano"),
        ({"flags": -1}, "flags"),
        ({"name": 7}, "name"),
        ({"attributes": {}}, "attributes"),
        ({"attributes": [{"key": "k", "value": {"intValue": str(2**63)}}]}, "intValue must fit 64 bits"),
        ({"attributes": [{"key": "k", "value": {"doubleValue": "one"}}]}, "doubleValue must be a number"),
        ({"attributes": [{"key": "k", "value": {"bytesValue": "%"}}]}, "bytesValue must be base64"),
        ({"attributes": [{"key": "k", "value": {"boolValue": "true"}}]}, "boolValue"),
        ({"attributes": [{"key": "k", "value": {"boolValue": True, "stringValue": ""}}]}, "more than one"),
        ({"attributes": [{"key": "k", "value": {"boolValue": True, "intValue": 1}}]}, "more than one"),
    ],
)
def test_a_field_that_is_not_of_its_type_is_named(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(Malformed, match=says) as caught:
        to_protobuf(one(**fields))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'"x"', b'{"resourceSpans":{}}', b'{"resourceSpans":[null]}', b"\xff\xfe{\x00"]
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        to_protobuf(body)


@pytest.mark.parametrize("broken", [b'"\xff"', b'"\\ud800"', b'"\\udc00\\ud800"'])
def test_text_that_is_not_unicode_is_refused(broken: bytes) -> None:
    with pytest.raises(Malformed):
        to_protobuf(one(name="NAME").replace(b'"NAME"', broken))


def test_text_that_is_not_utf_8_says_so() -> None:
    with pytest.raises(Malformed, match="UTF-8") as caught:
        to_protobuf(one(name="NAME").replace(b"NAME", b"\xff"))
    assert caught.value.reason is Reason.BAD_ENCODING


@pytest.mark.parametrize("levels", [500, 100_000])
def test_deep_nesting_is_refused(levels: int) -> None:
    deep = b'{"arrayValue":{"values":[' * levels + b"]}}" * levels
    body = b'{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":' + deep + b"}]}}]}"
    with pytest.raises(Malformed, match="nested too deeply"):
        to_protobuf(body)


def test_long_keys_are_written_like_short_ones() -> None:
    sent = request(span(attributes=[text("k" * size, "v") for size in (1, 64, 65, 20_000)]))
    plain = with_hex(json_format.MessageToDict(sent), upper=False)
    assert to_protobuf(json.dumps(plain).encode()) == sent.SerializeToString(deterministic=True)
