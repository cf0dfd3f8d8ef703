"""What an orchestrator and Prometheus hear from a part, over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version

import pytest
from prometheus_client import CollectorRegistry

from runtime.health import HealthServer
from runtime.identity import introduce
from tests.fixtures.ports import own_port
from tests.fixtures.waiting import PATIENCE_S


class Part:
    """A health server, and why its part isn't ready."""

    def __init__(self) -> None:
        self.why: str | None = None
        self.port = own_port()
        self.registry = CollectorRegistry()
        self.server = HealthServer("127.0.0.1", self.port, lambda: self.why, self.registry)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def part() -> Iterator[Part]:
    part = Part()
    part.server.start()
    yield part
    part.server.stop()


def test_it_lives_and_says_why_it_is_not_ready(part: Part) -> None:
    assert part.get("/healthz") == (200, "ok\n")
    assert part.get("/readyz?verbose") == (200, "ready\n")
    part.why = "waits for the broker"
    assert part.get("/readyz") == (503, "waits for the broker\n")
    assert part.get("/healthz")[0] == 200
    assert part.get("/other")[0] == 404


def test_metrics_say_which_part_of_which_version_this_is(part: Part) -> None:
    introduce("sinks", part.registry)
    status, text = part.get("/metrics")
    assert status == 200
    assert f'tracemill_build_info{{part="sinks",version="{version("tracemill")}"}} 1.0' in text
