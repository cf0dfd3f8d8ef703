"""Several workers, stopped and killed: nothing that was acknowledged is lost, and nothing is left running."""

from __future__ import annotations

import os
import signal
import threading
import time
from http.client import HTTPException
from pathlib import Path

import psutil
import pytest

from runtime.kafka import ensure_topics
from tests.builders.ingesting import Ingester, configured, ingesting, span_ids
from tests.builders.otlp import request, span
from tests.fixtures.waiting import PATIENCE_S, eventually
from tracemill import topics

pytestmark = pytest.mark.integration

SPANS = 20


class Clients:
    """Threads that send requests of their own spans and remember which were acknowledged."""

    def __init__(self, ingester: Ingester, count: int) -> None:
        self._ingester = ingester
        self.acknowledged: list[bytes] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more, wait for the answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, client: int) -> None:
        number = 0
        while not self._stop.is_set():
            numbers = range(client * 10_000_000 + number, client * 10_000_000 + number + SPANS)
            sent = [span(trace=one // 4, number=one) for one in numbers]
            number += SPANS
            try:
                heard = self._ingester.post(request(*sent).SerializeToString())
            except (OSError, HTTPException):
                time.sleep(0.01)
                continue
            if heard.status == 200:
                with self._lock:
                    self.acknowledged += [one.span_id for one in sent]


def test_sigterm_answers_what_is_in_flight_and_loses_nothing(kafka: str, namespace: str, tmp_path: Path) -> None:
    with ingesting(configured(kafka, namespace, workers=2), tmp_path) as ingester:
        workers = ingester.workers()
        assert len(workers) == 2
        clients = Clients(ingester, 8)
        eventually(lambda: len(clients.acknowledged) > 1_000)
        assert ingester.stop() == 0
        clients.stop()
        assert not any(worker.is_running() for worker in workers)
        found = span_ids(ingester.spans())
        assert set(clients.acknowledged) <= set(found)
        assert max(found.values()) == 1
        # Whatever reached the log was answered, but for requests whose connection was cut as they came in.
        assert len(found) - len(clients.acknowledged) <= SPANS * 8


def test_a_worker_that_is_killed_is_replaced_and_loses_nothing(kafka: str, namespace: str, tmp_path: Path) -> None:
    with ingesting(configured(kafka, namespace, workers=2), tmp_path) as ingester:
        clients = Clients(ingester, 8)
        for _ in range(2):
            before = ingester.workers()
            had = len(clients.acknowledged)
            eventually(lambda had=had: len(clients.acknowledged) > had + 500)
            before[0].kill()
            eventually(lambda gone=before[0]: gone not in ingester.workers() and len(ingester.workers()) == 2)
        ingester.wait_ready()
        clients.stop()
        assert set(clients.acknowledged) <= set(span_ids(ingester.spans()))
        assert "signal SIGKILL" in ingester.log.read_text()


def test_no_worker_outlives_a_parent_that_is_killed(kafka: str, namespace: str, tmp_path: Path) -> None:
    with ingesting(configured(kafka, namespace, workers=2), tmp_path) as ingester:
        workers = ingester.workers()
        ingester.process.kill()
        ingester.process.wait()
        _, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
        assert alive == []


def test_a_port_in_use_is_named(kafka: str, namespace: str, tmp_path: Path) -> None:
    config = configured(kafka, namespace)
    with ingesting(config, tmp_path):
        second = Ingester(config, tmp_path / "second.log")
        second.start()
        assert second.process.wait(PATIENCE_S) != 0
        said = second.log.read_text()
        assert f"ingest.grpc_port: port {config.ingest.grpc_port}" in said
        assert "stop what listens there, or set another port" in said


def test_a_topic_with_another_number_of_partitions_is_refused(kafka: str, namespace: str, tmp_path: Path) -> None:
    config = configured(kafka, namespace)
    ensure_topics(config.kafka.model_copy(update={"partitions": 3}), [topics.OTLP])
    ingester = Ingester(config, tmp_path / "ingest.log")
    ingester.start()
    assert ingester.process.wait(PATIENCE_S) != 0
    assert "has 3 partitions, the configuration says 8" in ingester.log.read_text()


def test_a_worker_carries_the_name_of_the_part_and_ends_by_itself_when_told_to(
    kafka: str, namespace: str, tmp_path: Path
) -> None:
    with ingesting(configured(kafka, namespace), tmp_path) as ingester:
        (worker,) = ingester.workers()
        assert worker.cmdline() == ["tracemill ingest worker"] or "ingest worker" in " ".join(worker.cmdline())
        os.kill(worker.pid, signal.SIGTERM)
        eventually(lambda: worker not in ingester.workers())
        ingester.wait_ready()
        eventually(lambda: "ended='exit code 0'" in ingester.log.read_text())
