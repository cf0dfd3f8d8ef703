"""A trace's age is counted from the sending of its root until it is seen; what is never seen is said."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from loadtest.freshness import ApiEyes, Cadence, Freshness, Lookout, Probe, lone_traces
from loadtest.senders import connector
from tests.builders.receivers import HttpReceiver
from tests.fixtures.ports import own_port
from tests.fixtures.waiting import eventually

PATIENT = Cadence(gap_s=0.02, look_s=0.005, due_s=0.0, give_up_s=600.0)
LAG_S = 0.1
ROOTS_AFTER = lone_traces(1, 12).delays[-1]
"""Requests from a trace's first to the one with its root."""


class DelayedEyes:
    """Sees a trace `LAG_S` after its root arrived at a receiver."""

    def __init__(self, receiver: HttpReceiver) -> None:
        self._receiver = receiver
        self._arrived: dict[str, float] = {}

    def seen(self, trace_ids: Iterable[str]) -> set[str]:
        for body in list(self._receiver.bodies):
            for span in ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans:
                if not span.parent_span_id:
                    self._arrived.setdefault(span.trace_id.hex(), time.monotonic())
        return {
            hex_id
            for hex_id in trace_ids
            if hex_id in self._arrived and time.monotonic() - self._arrived[hex_id] > LAG_S
        }

    def close(self) -> None:
        pass


class BlindEyes:
    def seen(self, trace_ids: Iterable[str]) -> set[str]:
        return set()

    def close(self) -> None:
        pass


def _probe(receiver: HttpReceiver, traces: int = 12) -> Probe:
    send = connector(f"http://127.0.0.1:{receiver.port}", "http")
    return Probe(lone_traces(1, traces), send, DelayedEyes(receiver), PATIENT)


def test_ages_are_those_of_the_traces() -> None:
    with HttpReceiver() as receiver:
        probe = _probe(receiver)
        probe.start()
        found = probe.join()
    assert (found.traces, found.unseen) == (12, 0)
    assert LAG_S * 1e3 <= found.p50_ms <= found.p99_ms
    assert probe.between(0.0, float("inf")) == found
    assert probe.claim("default").workload.spans == 96


def test_traces_that_are_never_seen_are_given_up_and_counted() -> None:
    with HttpReceiver() as receiver:
        cadence = Cadence(gap_s=0.02, look_s=0.005, due_s=0.0, give_up_s=0.05)
        send = connector(f"http://127.0.0.1:{receiver.port}", "http")
        probe = Probe(lone_traces(1, 12), send, BlindEyes(), cadence)
        probe.start()
        assert probe.join() == Freshness(12, 12, 0.0, 0.0)


def test_a_probe_that_is_stopped_waits_for_what_it_sent() -> None:
    with HttpReceiver() as receiver:
        probe = _probe(receiver, 100_000)
        probe.start()
        eventually(lambda: len(receiver.bodies) > ROOTS_AFTER)
        probe.stop()
        found = probe.join()
    assert 0 < found.traces < 100_000
    assert found.unseen == 0


CADENCE = Cadence(gap_s=1.0, look_s=0.5, due_s=2.0, give_up_s=60.0)


def test_the_two_oldest_that_are_due_are_looked_for_until_they_are_given_up() -> None:
    lookout = Lookout(lone_traces(1, 5), CADENCE)
    sent_s = {request: float(request) for request in range(5 + ROOTS_AFTER)}

    def looked_for(now_s: float) -> list[int]:
        waiting = lookout.waiting(sent_s, now_s + ROOTS_AFTER)
        return [waiting[hex_id] for hex_id in lookout.due(waiting, sent_s, now_s + ROOTS_AFTER)]

    assert looked_for(1.9) == []
    assert looked_for(2.0) == [0]
    assert looked_for(9.0) == [0, 1]
    lookout.saw([0], sent_s, 9.0 + ROOTS_AFTER)
    assert looked_for(9.0) == [1, 2]
    assert looked_for(61.5) == [2, 3]
    assert looked_for(99.0) == []
    assert lookout.found(range(5)) == Freshness(5, 4, 9_000.0, 9_000.0)


def test_a_trace_is_told_of_in_the_time_in_which_its_root_was_sent() -> None:
    lookout = Lookout(lone_traces(1, 5), CADENCE)
    sent_s = {request: float(request) for request in range(5 + ROOTS_AFTER)}
    lookout.saw([1, 3], sent_s, 9.0 + ROOTS_AFTER)
    bounds = [-1.0, ROOTS_AFTER + 1.0, ROOTS_AFTER + 3.0, 99.0]
    windows = [lookout.sent_between(sent_s, *bound) for bound in pairwise(bounds)]
    assert windows == [[0, 1], [2, 3], [4]]
    assert [lookout.found(window) for window in windows] == [
        Freshness(2, 1, 8_000.0, 8_000.0),
        Freshness(2, 1, 6_000.0, 6_000.0),
        Freshness(1, 1, 0.0, 0.0),
    ]


@given(st.lists(st.floats(0, 1_000), min_size=1, max_size=12))
def test_percentiles_are_ages_that_were_seen(ages_s: list[float]) -> None:
    lookout = Lookout(lone_traces(1, 12), CADENCE)
    sent_s = dict.fromkeys(range(12 + ROOTS_AFTER), 0.0)
    for trace, age_s in enumerate(ages_s):
        lookout.saw([trace], sent_s, age_s)
    found = lookout.found(range(12))
    in_order = sorted(round(age_s * 1e3, 1) for age_s in ages_s)
    assert (found.traces, found.unseen) == (12, 12 - len(ages_s))
    assert found.p50_ms == in_order[len(ages_s) // 2]
    assert found.p99_ms == in_order[-1]


def test_an_api_that_is_away_shows_nothing() -> None:
    eyes = ApiEyes("127.0.0.1", own_port())
    assert not eyes.answers()
    assert eyes.seen(["ab" * 16]) == set()
    eyes.close()
