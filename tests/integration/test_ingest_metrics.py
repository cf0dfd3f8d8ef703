"""What several ingest processes count adds up at one port, and nothing is forgotten with one that dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.ingesting import Ingester, configured, ingesting
from tests.builders.otlp import request, span
from tests.fixtures.ports import own_port
from tests.fixtures.scraping import Scraped, scrape
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.integration

CONNECTIONS = 40
"""The kernel gives each to either of two processes: that all get the same one happens once in 10¹²."""


def told(ingester: Ingester) -> Scraped:
    return scrape(ingester.url(ingester.config.ingest.metrics_port, ""))


def send(ingester: Ingester, first: int) -> None:
    for number in range(first, first + CONNECTIONS):
        assert (
            ingester.post(request(span(trace=number), span(trace=number, number=1)).SerializeToString()).status == 200
        )


def accepted(ingester: Ingester) -> tuple[float, float, float]:
    """Requests, spans, and how many requests took some time."""
    now = told(ingester)
    return (
        now.total("tracemill_ingest_accepted_requests_total"),
        now.total("tracemill_ingest_accepted_spans_total", protocol="http_protobuf"),
        now.total("tracemill_ingest_request_duration_seconds_count"),
    )


def test_processes_add_up_also_when_they_die(kafka: str, namespace: str, tmp_path: Path) -> None:
    with ingesting(configured(kafka, namespace, workers=2), tmp_path) as ingester:
        send(ingester, 0)
        assert accepted(ingester) == (CONNECTIONS, 2 * CONNECTIONS, CONNECTIONS)
        before = told(ingester)
        assert before.each("tracemill_ingest_child_restarts_total", child="worker") == [0]
        for restarts in (1, 2):
            victim = ingester.workers()[0]
            victim.kill()
            eventually(lambda: told(ingester).total("tracemill_ingest_child_restarts_total"), restarts)
            eventually(lambda gone=victim: gone not in ingester.workers() and len(ingester.workers()) == 2)
            ingester.wait_ready()
        assert accepted(ingester) == (CONNECTIONS, 2 * CONNECTIONS, CONNECTIONS)
        after = told(ingester)
        assert after.total("process_cpu_seconds_total") >= before.total("process_cpu_seconds_total")
        assert after.total("tracemill_ingest_kafka_away") == 0
        send(ingester, CONNECTIONS)
        assert accepted(ingester) == (2 * CONNECTIONS, 4 * CONNECTIONS, 2 * CONNECTIONS)


def test_memory_and_cpu_are_those_of_all_processes(kafka: str, namespace: str, tmp_path: Path) -> None:
    with ingesting(configured(kafka, namespace, workers=2), tmp_path) as ingester:
        resident = told(ingester).total("process_resident_memory_bytes")
        alone = [worker.memory_info().rss for worker in ingester.workers()]
        assert resident > sum(alone) > max(alone)


def test_a_broker_that_is_away_is_told(namespace: str, tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{own_port()}"
    with ingesting(configured(nowhere, namespace), tmp_path, ready=False) as ingester:
        eventually(lambda: ingester.why_not_ready() is not None and "Kafka" in str(ingester.why_not_ready()))
        eventually(lambda: told(ingester).total("tracemill_ingest_kafka_away"), 1)
        assert ingester.post(request(span()).SerializeToString()).status == 503
        assert told(ingester).total("tracemill_ingest_refused_requests_total", reason="broker_away") == 1
