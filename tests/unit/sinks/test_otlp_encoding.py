"""Is what the columnar encoder writes what protobuf would write, span by span?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sinks.otlp_encoding import encode
from tests.builders.frames import NOW_NS, batch, span

TEXT = st.text(max_size=8)
PAIRS = st.dictionaries(TEXT, TEXT, max_size=3).map(lambda pairs: list(pairs.items()))
TIMES = st.integers(0, NOW_NS)
EVENTS = st.lists(st.fixed_dictionaries({"time": TIMES, "name": TEXT, "attributes": PAIRS}), max_size=2)
LINKS = st.lists(
    st.fixed_dictionaries(
        {
            "trace_id": st.binary(min_size=16, max_size=16),
            "span_id": st.binary(min_size=8, max_size=8),
            "trace_state": TEXT,
            "attributes": PAIRS,
        }
    ),
    max_size=2,
)
ROWS = st.lists(
    st.builds(
        span,
        tenant=st.sampled_from(["a", "b"]),
        span_id=st.binary(min_size=8, max_size=8),
        parent_span_id=st.sampled_from([bytes(8), b"parent_1"]),
        trace_state=TEXT,
        name=TEXT,
        kind=st.sampled_from(["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]),
        status_code=st.sampled_from(["UNSET", "OK", "ERROR"]),
        status_message=TEXT,
        started_at=TIMES,
        duration_ns=st.integers(0, 10**12),
        scope_name=st.sampled_from(["", "lib"]),
        scope_version=st.sampled_from(["", "1"]),
        resource_attributes=st.sampled_from([[], [("service.name", "s")], [("service.name", "t"), ("x", "")]]),
        attributes=PAIRS,
        events=EVENTS,
        links=LINKS,
        input_messages=TEXT,
        tool_result=TEXT,
    ),
    max_size=8,
)


def pairs(attributes: Sequence[tuple[str, str]]) -> list[KeyValue]:
    made = []
    for key, value in attributes:
        pair = KeyValue(key=key)
        pair.value.string_value = value
        made.append(pair)
    return made


def expected(row: dict[str, Any]) -> Span:
    content = [("gen_ai.input.messages", row["input_messages"]), ("gen_ai.tool.call.result", row["tool_result"])]
    made = Span(
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_span_id=row["parent_span_id"] if any(row["parent_span_id"]) else b"",
        trace_state=row["trace_state"],
        name=row["name"],
        kind=Span.SpanKind.Value(f"SPAN_KIND_{row['kind']}"),
        start_time_unix_nano=row["started_at"],
        end_time_unix_nano=row["started_at"] + row["duration_ns"],
        attributes=pairs([*row["attributes"], *((key, value) for key, value in content if value)]),
    )
    made.status.code = ["UNSET", "OK", "ERROR"].index(row["status_code"])
    made.status.message = row["status_message"]
    for event in row["events"]:
        made.events.add(time_unix_nano=event["time"], name=event["name"], attributes=pairs(event["attributes"]))
    for link in row["links"]:
        made.links.add(**{**link, "attributes": pairs(link["attributes"])})
    return made


def group(row: dict[str, Any]) -> tuple[Any, ...]:
    resource = (*row["resource_attributes"], ("tracemill.tenant", row["tenant"]))
    return resource, row["scope_name"], row["scope_version"]


def request_of(rows: Sequence[dict[str, Any]]) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(encode(pa.Table.from_batches([batch(rows)])))


@given(ROWS)
def test_a_request_holds_every_span_under_its_tenant_resource_and_scope(rows: list[dict[str, Any]]) -> None:
    wanted: dict[tuple[Any, ...], list[Span]] = {}
    for row in rows:
        wanted.setdefault(group(row), []).append(expected(row))
    found = {}
    for each in request_of(rows).resource_spans:
        (scope_spans,) = each.scope_spans
        resource = tuple((pair.key, pair.value.string_value) for pair in each.resource.attributes)
        found[resource, scope_spans.scope.name, scope_spans.scope.version] = list(scope_spans.spans)
    assert found == wanted


@given(ROWS, st.integers(0, 8))
def test_a_slice_of_a_table_is_encoded_like_a_table_of_its_own(rows: list[dict[str, Any]], start: int) -> None:
    table = pa.Table.from_batches([batch(rows)]).slice(start)
    assert encode(table) == encode(pa.Table.from_batches([batch(rows[start:])]))


def test_numbers_of_the_conventions_leave_as_numbers_and_what_is_none_stays_text() -> None:
    attributes = [
        ("gen_ai.usage.input_tokens", "342"),
        ("gen_ai.usage.output_tokens", "many"),
        ("gen_ai.usage.cost", "2.5e-3"),
        ("gen_ai.usage.cost", ""),
        ("retries", "2"),
    ]
    (resource,) = request_of([span(attributes=attributes)]).resource_spans
    values = [pair.value for pair in resource.scope_spans[0].spans[0].attributes]
    assert [value.WhichOneof("value") for value in values] == [
        "int_value",
        "string_value",
        "double_value",
        "string_value",
        "string_value",
    ]
    assert (values[0].int_value, values[1].string_value, values[2].double_value) == (342, "many", 0.0025)


def test_no_rows_make_an_empty_request() -> None:
    assert encode(pa.Table.from_batches([batch([])])) == b""
