"""A load arrives whole over several connections, through refusals and broken connections, and is noted truly."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from loadtest.claims import Claim, members, read_claims
from loadtest.delivery import Delivery
from loadtest.identity import span_ids
from loadtest.payloads import Payloads
from loadtest.senders import connector
from loadtest.workload import Workload, spans_of
from tests.builders.receivers import GrpcReceiver, HttpReceiver, Reply
from tests.fixtures.waiting import PATIENCE_S, eventually


def _span_ids(bodies: list[bytes]) -> Counter[bytes]:
    requests = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    return Counter(
        span.span_id
        for request in requests
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    )


def _claimed(claim: Claim) -> set[bytes]:
    ids = set()
    for request in members(claim.acknowledged):
        ids |= {row.tobytes() for row in span_ids(claim.workload.seed, *spans_of(claim.workload, request))}
    return ids


def _delivery(workload: Workload, endpoint: str, protocol: str = "http", rate: float = 0.0) -> Delivery:
    return Delivery(Payloads(workload), connector(endpoint, protocol), 3, rate)


@pytest.mark.parametrize(("protocol", "kind"), [("http", HttpReceiver), ("grpc", GrpcReceiver)])
def test_every_span_arrives_once_over_several_connections(protocol: str, kind: type[HttpReceiver]) -> None:
    workload = Workload(seed=3, traces=620, rootless_every=50, late_every=60, late_after=5)
    with kind() as receiver:
        delivery = _delivery(workload, f"http://127.0.0.1:{receiver.port}", protocol)
        delivery.start()
        assert delivery.join(PATIENCE_S)
        arrived = _span_ids(receiver.bodies)
    claim = delivery.claim("default")
    assert set(arrived.values()) == {1}
    assert set(arrived) == _claimed(claim)
    assert len(arrived) == workload.spans == delivery.tally.spans
    assert claim.uncertain == ()


def test_refused_requests_are_sent_again_or_noted_as_uncertain() -> None:
    workload = Workload(seed=3, traces=400)
    with HttpReceiver() as receiver:
        receiver.replies += [Reply(503, {"Retry-After": "0.01"}), Reply(400), Reply(0), Reply(200)]
        delivery = _delivery(workload, f"http://127.0.0.1:{receiver.port}")
        delivery.start()
        assert delivery.join(PATIENCE_S)
        arrived = _span_ids(receiver.bodies)
    claim = delivery.claim("default")
    assert delivery.tally.retries == 2
    assert len(list(members(claim.uncertain))) == 1
    assert delivery.tally.refused == ["HTTP 400: b''"]
    assert len(_claimed(claim)) == delivery.tally.spans < workload.spans
    assert len(arrived) == workload.spans


def test_a_load_that_is_stopped_finishes_the_traces_it_opened() -> None:
    workload = Workload(seed=3, traces=10**9)
    with HttpReceiver() as receiver:
        delivery = _delivery(workload, f"http://127.0.0.1:{receiver.port}", rate=20_000)
        delivery.start()
        eventually(lambda: len(receiver.bodies) > 5)
        delivery.stop()
        assert delivery.join(PATIENCE_S)
        arrived = _span_ids(receiver.bodies)
    claim = delivery.claim("default")
    assert 0 < claim.workload.traces < 10**9
    assert set(arrived) == _claimed(claim)
    assert len(arrived) == claim.workload.spans


def test_the_command_sends_a_load_with_long_open_traces_and_writes_its_ledger(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    with HttpReceiver() as receiver:
        options = ["--spans", "800", "--long-open", "2", "--long-seconds", "0.2", "--ledger", str(ledger)]
        command = [sys.executable, "-m", "loadtest.generate", "--endpoint", f"http://127.0.0.1:{receiver.port}"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        arrived = _span_ids(receiver.bodies)
    claims = read_claims(ledger)
    assert json.loads(done.stdout)["spans"] == 800 + 2 * 24 == len(arrived)
    assert set(arrived) == _claimed(claims[0]) | _claimed(claims[1])
