"""Which spans must be there, and which may be? Every acknowledged id as a sorted number, from claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from loadtest.claims import Claim, Ranges, members
from loadtest.identity import Ids, Numbers, mix, span_ids, trace_ids
from loadtest.workload import Workload, spans_of

Keys = npt.NDArray[np.uint64]
"""Ids folded to 64 bits. Two of ten million meet with a probability of 3 in a million."""

_ODD: Final = np.uint64(0xD6E8FEB86659FD93)


def trace_keys(ids: Ids) -> Keys:
    """Keys of 16-byte ids, shape (n, 16)."""
    halves = np.ascontiguousarray(ids).view(np.uint64).reshape(-1, 2)
    folded: Keys = mix(halves[:, 0] ^ halves[:, 1] * _ODD)
    return folded


def span_keys(traces: Keys, ids: Ids) -> Keys:
    """Keys of spans: of their trace's keys and 8-byte ids, shape (n, 8)."""
    return traces ^ np.ascontiguousarray(ids).view(np.uint64).reshape(-1)


@dataclass(frozen=True, slots=True)
class Expected:
    """What claims of one tenant say.

    `traces`, ascending, with `sure` acknowledged and up to `possible` spans each, and the hex id's ingredients
    (`seeds`, `numbers`). `spans`, ascending, are acknowledged; `owners` are their traces' positions. `perhaps`,
    ascending, were sent and never answered.
    """

    traces: Keys
    seeds: Numbers
    numbers: Numbers
    sure: Numbers
    possible: Numbers
    spans: Keys
    owners: Numbers
    perhaps: Keys

    def trace_id(self, position: int) -> str:
        """The hex id of the trace at a position."""
        return trace_ids(int(self.seeds[position]), self.numbers[position : position + 1]).tobytes().hex()


def expect(claims: Iterable[Claim]) -> Expected:
    """All that claims of one tenant acknowledge."""
    sure, perhaps = _Sent(), _Sent()
    for claim in claims:
        sure.add(claim.workload, claim.acknowledged)
        perhaps.add(claim.workload, claim.uncertain)
    everything = np.concatenate([sure.traces(), perhaps.traces()])
    traces, firsts = np.unique(everything, return_index=True)
    spans, owners = sure.spans(), np.searchsorted(traces, sure.traces())
    order = np.argsort(spans)
    acknowledged = np.bincount(owners, minlength=len(traces))
    unanswered = np.bincount(np.searchsorted(traces, perhaps.traces()), minlength=len(traces))
    return Expected(
        traces=traces,
        seeds=np.concatenate([sure.seeds(), perhaps.seeds()])[firsts],
        numbers=np.concatenate([sure.numbers(), perhaps.numbers()])[firsts],
        sure=acknowledged,
        possible=acknowledged + unanswered,
        spans=spans[order],
        owners=owners[order],
        perhaps=np.sort(perhaps.spans()),
    )


class _Sent:
    """The spans of requests, in pieces until they are asked for."""

    def __init__(self) -> None:
        self._parts: list[tuple[Numbers, Numbers, Keys, Keys]] = []

    def add(self, workload: Workload, requests: Ranges) -> None:
        for traces, spans in _in_batches(workload, requests):
            keys = trace_keys(trace_ids(workload.seed, traces))
            seeds = np.full(len(traces), workload.seed, dtype=np.int64)
            self._parts.append((seeds, traces, keys, span_keys(keys, span_ids(workload.seed, traces, spans))))

    def seeds(self) -> Numbers:
        return self._column(0, np.int64)

    def numbers(self) -> Numbers:
        return self._column(1, np.int64)

    def traces(self) -> Keys:
        return self._column(2, np.uint64)

    def spans(self) -> Keys:
        return self._column(3, np.uint64)

    def _column(self, column: int, kind: type[np.generic]) -> npt.NDArray[Any]:
        return np.concatenate([np.empty(0, dtype=kind), *(part[column] for part in self._parts)])


_BATCH_REQUESTS: Final = 500


def _in_batches(workload: Workload, requests: Ranges) -> Iterator[tuple[Numbers, Numbers]]:
    traces, spans = [], []
    for request in members(requests):
        of_traces, of_spans = spans_of(workload, request)
        traces.append(of_traces)
        spans.append(of_spans)
        if len(traces) == _BATCH_REQUESTS:
            yield np.concatenate(traces), np.concatenate(spans)
            traces, spans = [], []
    if traces:
        yield np.concatenate(traces), np.concatenate(spans)
