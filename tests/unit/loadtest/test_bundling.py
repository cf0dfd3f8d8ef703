"""Bundles are valid OTLP, their index finds every piece, and every span is in the right partition once."""

from __future__ import annotations

import pytest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, TracesData

from loadtest.bundling import Bundler, Record
from loadtest.payloads import Payloads
from loadtest.workload import Workload
from tracemill.bundles import TENANT_ATTRIBUTE, read_index
from tracemill.topics import partition_of

NOW_NS = 1_800_000_000_000_000_000
PARTITIONS = 4


def _records(workload: Workload, each: int) -> list[Record]:
    payloads, bundler = Payloads(workload), Bundler(PARTITIONS, "acme")
    records = []
    for request in range(workload.requests):
        bundler.add(payloads.build(request, NOW_NS)[0])
        records += bundler.take(everything=request % each == 0)
    return [*records, *bundler.take(everything=True)]


WORKLOAD = Workload(seed=5, traces=130, rootless_every=7, late_every=5, late_after=3)


@pytest.mark.parametrize("each", [1, 4])
def test_the_index_finds_resource_scope_tenant_and_every_chunk(each: int) -> None:
    for record in _records(WORKLOAD, each):
        value = record.value
        for group in read_index(record.header, len(value)):
            assert Resource.FromString(value[slice(*group.resource)]).attributes[0].key == "service.name"
            assert InstrumentationScope.FromString(value[slice(*group.scope)]).version
            assert value[slice(*group.tenant)] == b"acme"
            for trace_id, start, end, spans_and_root in group.chunks:
                spans = ScopeSpans.FromString(value[start:end]).spans
                assert {span.trace_id for span in spans} == {trace_id}
                assert spans_and_root == 2 * len(spans) + any(not span.parent_span_id for span in spans)
                assert partition_of(trace_id, PARTITIONS) == record.partition


def test_every_span_is_in_the_records_once_under_the_stamped_tenant() -> None:
    found = []
    for record in _records(WORKLOAD, 4):
        for group in TracesData.FromString(record.value).resource_spans:
            stamp = group.resource.attributes[-1]
            assert (stamp.key, stamp.value.string_value) == (TENANT_ATTRIBUTE, "acme")
            assert len(group.resource.attributes) == 7
            found += [(span.trace_id, span.span_id) for span in group.scope_spans[0].spans]
    assert len(found) == len(set(found)) == WORKLOAD.spans


def test_all_groups_of_a_value_are_in_its_index() -> None:
    for record in _records(WORKLOAD, 4):
        chunks = [chunk for group in read_index(record.header, len(record.value)) for chunk in group.chunks]
        spans = sum(len(group.scope_spans[0].spans) for group in TracesData.FromString(record.value).resource_spans)
        assert sum(chunk[3] // 2 for chunk in chunks) == spans
