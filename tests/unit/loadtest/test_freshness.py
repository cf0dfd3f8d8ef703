"""A trace's age is counted from the sending of its root until it is seen; what is never seen is said."""

from __future__ import annotations

import time
from collections.abc import Iterable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from loadtest.freshness import ApiEyes, Cadence, Probe, lone_traces
from loadtest.senders import connector
from tests.builders.receivers import HttpReceiver

CADENCE = Cadence(gap_s=0.02, look_s=0.005, due_s=0.0, give_up_s=0.7)
LAG_S = 0.1


class DelayedEyes:
    """Sees a trace `LAG_S` after its root arrived at a receiver, apart from those hidden."""

    def __init__(self, receiver: HttpReceiver, hidden: int = 0) -> None:
        self._receiver = receiver
        self._arrived: dict[str, float] = {}
        self._hidden = hidden

    def seen(self, trace_ids: Iterable[str]) -> set[str]:
        for body in list(self._receiver.bodies):
            for span in ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans:
                if not span.parent_span_id:
                    self._arrived.setdefault(span.trace_id.hex(), time.monotonic())
        visible = list(self._arrived)[self._hidden :]
        return {
            hex_id for hex_id in trace_ids if hex_id in visible and time.monotonic() - self._arrived[hex_id] > LAG_S
        }

    def close(self) -> None:
        pass


def _probe(receiver: HttpReceiver, hidden: int = 0) -> Probe:
    eyes = DelayedEyes(receiver, hidden)
    return Probe(lone_traces(1, 12), connector(f"http://127.0.0.1:{receiver.port}", "http"), eyes, CADENCE)


def test_ages_are_those_of_the_traces() -> None:
    with HttpReceiver() as receiver:
        probe = _probe(receiver)
        probe.start()
        found = probe.join()
    assert (found.traces, found.unseen) == (12, 0)
    assert LAG_S * 1e3 <= found.p50_ms <= found.p99_ms < 5_000
    assert probe.claim("default").workload.spans == 96


def test_traces_that_are_never_seen_are_counted() -> None:
    with HttpReceiver() as receiver:
        probe = _probe(receiver, hidden=3)
        probe.start()
        found = probe.join()
    assert (found.traces, found.unseen) == (12, 3)


def test_a_probe_that_is_stopped_waits_for_what_it_sent() -> None:
    with HttpReceiver() as receiver:
        probe = _probe(receiver)
        probe.start()
        time.sleep(0.1)
        probe.stop()
        found = probe.join()
    assert 0 < found.traces < 12
    assert found.unseen == 0


def test_an_api_that_is_away_shows_nothing() -> None:
    with HttpReceiver() as gone:
        port = gone.port
    eyes = ApiEyes("127.0.0.1", port)
    assert not eyes.answers()
    assert eyes.seen(["ab" * 16]) == set()
    eyes.close()
