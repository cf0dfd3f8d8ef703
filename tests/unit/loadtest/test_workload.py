"""Every span is in exactly one request, roots last, whatever the sizes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given

from loadtest.workload import Workload, is_late, profile_named, sections, spans_of
from tests.builders.workloads import workloads


def _requests_of(workload: Workload) -> dict[tuple[int, int], list[int]]:
    found: dict[tuple[int, int], list[int]] = {}
    for request in range(workload.requests):
        traces, numbers = spans_of(workload, request)
        for cell in zip(traces.tolist(), numbers.tolist(), strict=True):
            found.setdefault(cell, []).append(request)
    return found


@given(workloads())
def test_every_span_is_in_exactly_one_request(workload: Workload) -> None:
    found = _requests_of(workload)
    every = {(trace, number) for trace in range(workload.traces) for number in range(workload.spans_per_trace)}
    assert set(found) == every
    assert all(len(requests) == 1 for requests in found.values())


@given(workloads())
def test_a_trace_is_spread_over_its_pieces_with_the_root_after_all_but_the_late_span(workload: Workload) -> None:
    found = _requests_of(workload)
    root, last = workload.spans_per_trace - 1, (workload.pieces - 1) * workload.spread
    for trace in range(workload.traces):
        block, slot = divmod(trace, workload.block_traces)
        late = bool(is_late(workload, block % 16, np.array([slot]))[0])
        (root_request,) = found[trace, root]
        assert root_request == block + last
        for number in range(root):
            (request,) = found[trace, number]
            if late and number == 0:
                assert request == root_request + workload.late_after
            else:
                assert block <= request <= root_request


@given(workloads())
def test_nothing_is_in_a_request_past_the_last(workload: Workload) -> None:
    assert [*sections(workload, workload.requests)] == []
    assert not workload.traces or [*sections(workload, workload.requests - 1)]


def test_full_requests_hold_400_spans_of_150_traces_in_their_three_pieces() -> None:
    workload = Workload(seed=1, traces=2_000)
    traces, numbers = spans_of(workload, 20)
    assert len(traces) == 400
    assert sorted(Counter(Counter(traces.tolist()).values()).items()) == [(2, 50), (3, 100)]
    assert Counter(numbers.tolist()) == dict.fromkeys(range(8), 50)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"pieces": 9}, "pieces"),
        ({"spread": 0}, "spread"),
        ({"block_traces": 0}, "block_traces"),
        ({"spans_per_trace": 1, "pieces": 1, "late_every": 2}, "late_every"),
    ],
)
def test_impossible_sizes_are_refused_by_name(wrong: dict[str, int], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Workload(seed=1, traces=10, **wrong)


def test_an_unknown_profile_is_refused_by_name() -> None:
    assert profile_named("fat") == "fat"
    with pytest.raises(ValueError, match="'slim'"):
        profile_named("slim")
