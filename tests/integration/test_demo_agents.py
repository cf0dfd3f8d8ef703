"""The demo's agents, each in its own process: what they send, that it is the same again, and that nothing leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from embedded.demo.scenarios import LATE_S, SCENARIOS
from embedded.parts import http_ready
from tests.builders.receivers import GrpcReceiver, HttpReceiver
from tests.fixtures.ports import own_port
from tests.fixtures.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.integration

WATCHED = """
import ipaddress, runpy, socket, sys
def refuse(event, target):
    with open({report!r}, "a") as file:
        file.write(f"{{event}} {{target}}\\n")
    raise PermissionError(f"{{event}} {{target}} leaves loopback")
def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        if not ipaddress.ip_address(arguments[1][0]).is_loopback:
            refuse(event, arguments[1])
    if event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "localhost", None):
        refuse(event, arguments[0])
sys.addaudithook(hook)
{run}
"""
AGENT = "runpy.run_module('embedded.demo.agent', run_name='__main__', alter_sys=True)"
QUIET_S = 3.0
"""Longer than any step of a scenario, and several times as long as an agent waits with what it exports."""


def watched(report: Path, run: str) -> list[str]:
    """A Python that can't reach beyond loopback, and writes down when it tries."""
    return [sys.executable, "-c", WATCHED.format(report=str(report), run=run)]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    port = own_port()
    with subprocess.Popen([sys.executable, "-m", "embedded.demo.provider", "--port", str(port)]) as process:
        eventually(http_ready(f"http://127.0.0.1:{port}/readyz"), None)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def agent(directory: Path, provider: str, library: str, protocol: str, port: int) -> subprocess.Popen[bytes]:
    endpoint = f"127.0.0.1:{port}" if protocol == "grpc" else f"http://127.0.0.1:{port}"
    options = {
        "--name": f"{library}-{protocol}",
        "--library": library,
        "--protocol": protocol,
        "--endpoint": endpoint,
        "--provider": provider,
        "--rate": "0.0001",
        "--roots": str(directory / f"{library}-{protocol}.roots"),
    }
    arguments = [text for option in options.items() for text in option]
    foreign = {"OTEL_SDK_DISABLED": "true", "HTTP_PROXY": "http://192.0.2.1:1", "http_proxy": "http://192.0.2.1:1"}
    environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    return subprocess.Popen([*watched(directory / "left", AGENT), *arguments], env={**environment, **foreign})


def spans(bodies: list[bytes]) -> list[Span]:
    return [
        span
        for body in bodies
        for resource in TracesData.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes(span: Span) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}


@pytest.fixture(scope="module")
def sent(provider, tmp_path_factory) -> dict[str, Any]:
    """All spans of one burst of three agents; two of them differ only in the protocol."""
    directory = tmp_path_factory.mktemp("agents")
    with GrpcReceiver() as grpc, HttpReceiver() as http, HttpReceiver() as again:
        receivers = {"grpc": grpc, "http": http, "again": again}
        processes = [
            agent(directory, provider, "openinference", "grpc", grpc.port),
            agent(directory, provider, "openllmetry", "http", http.port),
            agent(directory, provider, "openinference", "http", again.port),
        ]
        remote = _peers_until_the_burst_is_over(processes, list(receivers.values()))
        for process in processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(PATIENCE_S) for process in processes]
        return {name: spans(one.bodies) for name, one in receivers.items()} | {
            "remote": remote,
            "left": directory / "left",
            "codes": codes,
            "roots": (directory / "openinference-grpc.roots").read_text().split(),
        }


def _peers_until_the_burst_is_over(processes: list[subprocess.Popen[bytes]], receivers: list[Any]) -> set[str]:
    """Whom the agents were connected to until every scenario was through and nothing came any longer."""
    remote, known, since_s = set(), 0, time.monotonic()
    deadline_s = since_s + PATIENCE_S
    while time.monotonic() < deadline_s:
        remote |= {
            connection.raddr.ip
            for process in processes
            for connection in psutil.Process(process.pid).net_connections()
            if connection.raddr
        }
        sent = [spans(list(receiver.bodies)) for receiver in receivers]
        if (count := sum(map(len, sent))) != known:
            known, since_s = count, time.monotonic()
        if all(_every_scenario_ended(each) for each in sent) and time.monotonic() - since_s > QUIET_S:
            return remote
        time.sleep(0.1)
    raise AssertionError(f"not through: {[Counter(span.name for span in each) for each in sent]}")


def _every_scenario_ended(sent: list[Span]) -> bool:
    """The late span has come, each scenario has left a trace, a session two, and all but one trace are whole."""
    ids = {span.span_id for span in sent}
    open_ = {span.trace_id for span in sent if span.parent_span_id and span.parent_span_id not in ids}
    late = any(span.name.startswith("remember") for span in sent)
    return late and len({span.trace_id for span in sent}) > len(SCENARIOS) and len(open_) == 1


def test_nothing_leaves_loopback_whatever_the_environment_says(sent):
    assert {address.removeprefix("::ffff:") for address in sent["remote"]} == {"127.0.0.1"}
    assert not sent["left"].exists(), sent["left"].read_text()


@pytest.mark.parametrize(
    "way", ["socket.socket().connect(('192.0.2.1', 1))", "socket.create_connection(('example.invalid', 1))"]
)
def test_leaving_would_have_been_noticed(tmp_path, way):
    tried = subprocess.run(watched(tmp_path / "left", way), capture_output=True, text=True)
    assert "leaves loopback" in tried.stderr
    assert (tmp_path / "left").exists()


def test_they_end_when_they_are_told_to(sent):
    assert sent["codes"] == [0, 0, 0]


def test_the_same_seed_gives_the_same_content(sent):
    def said(name: str) -> Counter[tuple[str, str, int]]:
        found = [(span.name, attributes(span).get("input.value", ""), span.status.code) for span in sent[name]]
        return Counter(found)

    assert said("grpc") == said("again")


@pytest.mark.parametrize("name", ["grpc", "http"])
def test_every_scenario_leaves_its_mark(sent, name):
    mine = sent[name]
    by_id = {span.span_id: span for span in mine}
    roots = [span for span in mine if not span.parent_span_id]
    assert len({span.trace_id for span in mine}) >= len(SCENARIOS)
    orphans = {span.trace_id for span in mine if span.parent_span_id and span.parent_span_id not in by_id}
    assert len(orphans) == 1  # rootless
    late = [span for span in mine if span.name.startswith("remember")]
    parent = by_id[late[0].parent_span_id]
    assert late[0].end_time_unix_nano - parent.end_time_unix_nano > (LATE_S - 1) * 1e9
    retries = [by_id[bytes.fromhex(attributes(span)["tracemill.retry_of"])] for span in mine if _retries(span)]
    assert [attempt.status.code for attempt in retries] == [2]
    failed = [span for span in roots if span.status.code == 2]
    assert len(failed) == 2  # the provider failed; a stream broke
    assert any(span.name.startswith("sql") and span.status.code == 2 for span in mine)
    slowest = max(roots, key=lambda span: span.end_time_unix_nano - span.start_time_unix_nano)
    assert slowest.end_time_unix_nano - slowest.start_time_unix_nano > 4e9


def _retries(span: Span) -> bool:
    return "tracemill.retry_of" in attributes(span)


def test_turns_of_a_session_share_it_and_the_first_roots_are_told(sent):
    mine = [span for span in sent["grpc"] if not span.parent_span_id]
    turns = Counter(attributes(span)["session.id"] for span in mine)
    assert max(turns.values()) >= 2
    assert sorted(sent["roots"]) == sorted(span.trace_id.hex() for span in mine)
