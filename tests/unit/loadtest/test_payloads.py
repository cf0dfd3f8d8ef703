"""Requests are valid OTLP that holds what the profile promises, with the ids that the ledger will ask for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from loadtest.identity import PHANTOM, parent_numbers, span_ids, trace_ids
from loadtest.payloads import Payloads
from loadtest.workload import Workload, is_rootless, spans_of
from tests.builders.workloads import workloads

NOW_NS = 1_800_000_000_000_000_000
STEP_NS = 1_000_000


def _sent(payloads: Payloads, request: int) -> list[ResourceSpans]:
    body, count = payloads.build(request, NOW_NS + request * STEP_NS)
    groups = list(ExportTraceServiceRequest.FromString(body).resource_spans)
    assert count == sum(len(group.scope_spans[0].spans) for group in groups) == payloads.spans(request)
    return groups


def _all_spans(workload: Workload) -> list[Span]:
    payloads = Payloads(workload)
    groups = [group for request in range(workload.requests) for group in _sent(payloads, request)]
    return [span for group in groups for scope in group.scope_spans for span in scope.spans]


@settings(max_examples=25, deadline=None)
@given(workloads())
def test_patched_ids_equal_the_regenerated_ones(workload: Workload) -> None:
    payloads = Payloads(workload)
    for request in range(workload.requests):
        spans = [span for group in _sent(payloads, request) for span in group.scope_spans[0].spans]
        traces, numbers = spans_of(workload, request)
        block, slot = np.divmod(traces, workload.block_traces)
        parents = parent_numbers(numbers, workload.spans_per_trace)
        for row, span in enumerate(spans):
            at = traces[row : row + 1]
            rootless = bool(is_rootless(workload, int(block[row]) % 16, slot[row : row + 1])[0])
            number = int(parents[row]) if parents[row] >= 0 or not rootless else PHANTOM
            parent = span_ids(workload.seed, at, np.array([number])).tobytes() if number >= 0 else b""
            assert span.trace_id == trace_ids(workload.seed, at).tobytes()
            assert span.span_id == span_ids(workload.seed, at, numbers[row : row + 1]).tobytes()
            assert span.parent_span_id == parent
        assert len(spans) == len(traces)


def test_lean_spans_have_600_bytes_and_ten_attributes() -> None:
    payloads = Payloads(Workload(seed=7, traces=1_600))
    full = range(8, 32)
    sizes = [len(payloads.build(request, NOW_NS)[0]) / 400 for request in full]
    spans = [span for request in full for group in _sent(payloads, request) for span in group.scope_spans[0].spans]
    share = {
        "events": sum(bool(span.events) for span in spans) / len(spans),
        "links": sum(bool(span.links) for span in spans) / len(spans),
        "errors": sum(span.status.code == 2 for span in spans) / len(spans),
        "costs": sum(any(pair.key == "gen_ai.usage.cost" for pair in span.attributes) for span in spans) / len(spans),
    }
    assert len(spans) == 400 * len(full)
    assert all(570 < size < 650 for size in sizes)
    assert 9.5 < sum(len(span.attributes) for span in spans) / len(spans) < 11
    assert 0.07 < share["events"] < 0.13
    assert 0.015 < share["links"] < 0.05
    assert 0.01 < share["errors"] < 0.03
    assert 0.05 < share["costs"] < 0.2


def test_a_fat_trace_has_two_chat_spans_of_20_kb() -> None:
    spans = _all_spans(Workload(seed=7, traces=30, profile="fat"))
    large = [span for span in spans if span.ByteSize() > 10_000]
    assert len(large) == 60
    assert all(19_500 < span.ByteSize() < 21_500 and span.name.startswith("chat ") for span in large)
    assert len({span.trace_id for span in large}) == 30


def test_a_request_has_one_resource_of_six_attributes_and_services_take_turns() -> None:
    payloads = Payloads(Workload(seed=7, traces=1_000))
    groups = [_sent(payloads, request) for request in range(10)]
    assert all(len(group) == 1 and len(group[0].resource.attributes) == 6 for group in groups)
    assert len({group[0].resource.attributes[0].value.string_value for group in groups}) == 5


def test_a_root_encloses_its_children_and_some_traces_are_slow() -> None:
    by_trace: dict[bytes, list[Span]] = {}
    for span in _all_spans(Workload(seed=7, traces=800)):
        by_trace.setdefault(span.trace_id, []).append(span)
    lengths = []
    for spans in by_trace.values():
        (root,) = (span for span in spans if not span.parent_span_id)
        assert root.start_time_unix_nano <= min(span.start_time_unix_nano for span in spans)
        assert root.end_time_unix_nano == max(span.end_time_unix_nano for span in spans)
        assert all(span.start_time_unix_nano < span.end_time_unix_nano for span in spans)
        lengths.append(root.end_time_unix_nano - root.start_time_unix_nano)
    assert 0.005 < sum(length > 10e9 for length in lengths) / len(lengths) < 0.06


def test_cutting_ends_a_load_after_the_blocks_that_are_open() -> None:
    payloads = Payloads(Workload(seed=7, traces=10_000))
    before = [payloads.build(request, NOW_NS)[1] for request in range(5)]
    payloads.cut(5)
    after = [payloads.build(request, NOW_NS)[1] for request in range(5, payloads.workload.requests)]
    assert payloads.workload.traces == 250
    assert sum(before) + sum(after) == 2_000


@pytest.mark.parametrize("profile", ["lean", "fat"])
def test_the_same_seed_gives_the_same_bytes_apart_from_event_times(profile: str) -> None:
    first, second = (Payloads(Workload(seed=9, traces=100, profile=profile)) for _ in range(2))
    for request in range(first.workload.requests):
        one, other = _sent(first, request), _sent(second, request)
        for group in (*one, *other):
            for span in group.scope_spans[0].spans:
                for event in span.events:
                    event.time_unix_nano = 0
        assert one == other
