"""Kafka slow or gone: memory stays bounded, clients hear it soon and with a hint, and it ends by itself."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from ingest.rpc import EXPORT
from tests.builders.ingesting import Heard, Ingester, configured, ingesting, span_ids
from tests.builders.otlp import request, span, span_id
from tests.fixtures.servers import Server
from tests.fixtures.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.integration

TIMEOUT_MS = 2_000
NOT_TRIED = "no Kafka broker can be reached"


def send(ingester: Ingester, number: int, size: int = 10) -> Heard:
    """Send one span."""
    return ingester.post(request(span(trace=number, number=number, name="x" * size)).SerializeToString())


def why_busy(heard: Heard) -> str:
    """The reason in an answer of 503 with a hint, and a Status that says the same."""
    assert heard.status == 503
    assert int(heard.headers["retry-after"]) >= 1
    status = Status.FromString(heard.body)
    assert status.code == 14
    return status.message


def test_a_broker_that_is_killed_and_comes_back(broker: Server, namespace: str, tmp_path: Path) -> None:
    config = configured(broker.address, namespace, delivery_timeout_ms=TIMEOUT_MS)
    with ingesting(config, tmp_path) as ingester:
        eventually(lambda: send(ingester, 0).status, 200)
        broker.kill()
        eventually(lambda: ingester.why_not_ready() is not None)
        assert "Kafka" in str(ingester.why_not_ready())
        assert NOT_TRIED in why_busy(send(ingester, 1))
        address = f"127.0.0.1:{config.ingest.grpc_port}"
        with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(EXPORT)(request(span()).SerializeToString(), timeout=PATIENCE_S)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        (details,) = [value for key, value in caught.value.trailing_metadata() if key == "grpc-status-details-bin"]
        assert Status.FromString(details).details[0].Is(RetryInfo.DESCRIPTOR)
        broker.start()
        eventually(lambda: send(ingester, 2).status, 200)
        eventually(ingester.why_not_ready, None)
        eventually(lambda: ingester.metric("tracemill_ingest_in_flight_bytes"), 0)
        assert {span_id(0), span_id(2)} <= set(span_ids(ingester.spans()))
        assert ingester.metric("tracemill_ingest_refused_requests_total", protocol="grpc", reason="broker_away") == 1
        assert "ERROR" not in ingester.log.read_text()


def test_a_broker_that_stands_still(broker: Server, namespace: str, tmp_path: Path) -> None:
    size, room = 200_000, 2_000_000
    config = configured(broker.address, namespace, delivery_timeout_ms=TIMEOUT_MS, in_flight_bytes=room)
    with ingesting(config, tmp_path) as ingester, ThreadPoolExecutor(30) as clients:

        def reasons_while_it_stands_still() -> str:
            eventually(lambda: send(ingester, 0).status, 200)
            broker.signal(signal.SIGSTOP)
            answers = clients.map(lambda number: send(ingester, number, size), range(1, 31))
            reasons = " ".join([why_busy(heard) for heard in answers])
            broker.signal(signal.SIGCONT)
            return reasons

        seen = ""
        while "in flight of 2000000" not in seen or "didn't acknowledge" not in seen:
            seen += reasons_while_it_stands_still()
        eventually(lambda: send(ingester, 99).status, 200)
        eventually(lambda: ingester.metric("tracemill_ingest_in_flight_bytes"), 0)


def test_an_ingester_that_starts_before_its_broker(broker: Server, namespace: str, tmp_path: Path) -> None:
    broker.kill()
    config = configured(broker.address, namespace, delivery_timeout_ms=TIMEOUT_MS)
    with ingesting(config, tmp_path, ready=False) as ingester:
        eventually(lambda: "doesn't answer" in str(ingester.why_not_ready()))
        eventually(lambda: send(ingester, 0).status, 503)
        broker.start()
        ingester.wait_ready()
        eventually(lambda: send(ingester, 1).status, 200)
        assert set(span_ids(ingester.spans())) == {span_id(1)}
