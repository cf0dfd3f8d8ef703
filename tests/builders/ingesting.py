"""A real ingester to send to, and what it wrote to the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from confluent_kafka import Message
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, TracesData

from embedded.ports import free_port
from runtime.kafka import read_from
from tracemill import bundles, topics
from tracemill.config import Config

PROTOBUF = "application/x-protobuf"
START_S = 30.0
_PROGRAM = (
    "import sys; from tracemill.config import Config; from ingest.app import run; "
    "run(Config.model_validate_json(sys.stdin.read()))"
)


class Found(NamedTuple):
    """A span in the log."""

    partition: int
    tenant: str
    span: Span


class Heard(NamedTuple):
    """What a client heard."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Ingester:
    """`ingest.app.run` in a process of its own."""

    config: Config
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it, without waiting."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stderr=log, env={**os.environ}
            )
        assert self.process.stdin
        self.process.stdin.write(self.config.model_dump_json().encode())
        self.process.stdin.close()

    def wait_ready(self) -> None:
        """Wait until all of its processes take requests."""
        deadline = time.monotonic() + START_S
        while (why := self.why_not_ready()) is not None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the ingester isn't ready: {why}\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    def why_not_ready(self) -> str | None:
        """What /readyz says."""
        try:
            with urllib.request.urlopen(self.url(self.config.ingest.metrics_port, "/readyz")):
                return None
        except OSError as error:
            return str(error.read().decode()) if isinstance(error, urllib.error.HTTPError) else str(error)

    def url(self, port: int, path: str) -> str:
        """An address of it."""
        return f"http://127.0.0.1:{port}{path}"

    def workers(self) -> list[psutil.Process]:
        """Its child processes."""
        return psutil.Process(self.process.pid).children()

    def post(self, body: bytes, media: str = PROTOBUF, path: str = "/v1/traces", **headers: str) -> Heard:
        """Send a body on a connection of its own; `_` in header names is `-`."""
        connection = HTTPConnection("127.0.0.1", self.config.ingest.http_port, timeout=30)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", path, body, {"Content-Type": media, **names})
        response = connection.getresponse()
        heard = Heard(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return heard

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value over all processes, 0 where it isn't there."""
        with urllib.request.urlopen(self.url(self.config.ingest.metrics_port, "/metrics")) as response:
            lines = response.read().decode().splitlines()
        wanted = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        start = f"{name}{{{wanted}}} " if labels else f"{name} "
        return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(20)

    def spans(self) -> list[Found]:
        """Every span in the log, as the index of its bundle and protobuf both say."""
        topic = topics.OTLP.name(self.config.kafka.namespace)
        found: list[Found] = []
        read_from(
            self.config.kafka,
            topic,
            dict.fromkeys(range(self.config.kafka.partitions), 0),
            lambda message: found.extend(_spans(message)),
        )
        return found

    def dead_letters(self) -> list[dict[str, Any]]:
        """Every dead letter."""
        found: list[dict[str, Any]] = []
        topic = topics.DEAD_LETTERS.name(self.config.kafka.namespace)
        read_from(self.config.kafka, topic, {0: 0}, lambda message: found.append(json.loads(message.value() or b"")))
        return found


def _spans(message: Message) -> Iterator[Found]:
    value = message.value()
    headers = dict(message.headers() or [])
    partition = message.partition()
    assert value is not None
    assert partition is not None
    pairs = zip(
        bundles.read_index(headers[topics.HEADER_INDEX], len(value)),
        TracesData.FromString(value).resource_spans,
        strict=True,
    )
    for group, resource in pairs:
        tenant = value[slice(*group.tenant)].decode()
        assert resource.resource.attributes[-1].value.string_value == tenant
        inside = [one for _, start, end, _ in group.chunks for one in ScopeSpans.FromString(value[start:end]).spans]
        assert inside == list(resource.scope_spans[0].spans)
        for one in inside:
            assert topics.partition_of(one.trace_id, 8) == partition
            yield Found(partition, tenant, one)


def span_ids(found: list[Found]) -> Counter[bytes]:
    """How often each span id is in the log."""
    return Counter(one.span.span_id for one in found)


def configured(bootstrap: str, namespace: str, limits: dict[str, Any] | None = None, **ingest: Any) -> Config:
    """A configuration with ports of its own."""
    ports = {name: free_port() for name in ("grpc_port", "http_port", "metrics_port")}
    return Config.model_validate(
        {
            "kafka": {"bootstrap": bootstrap, "namespace": namespace, "retained_bytes": 256 * 1024**2},
            "ingest": ports | ingest,
            "limits": limits or {},
        }
    )


@contextmanager
def ingesting(config: Config, directory: Path, ready: bool = True) -> Iterator[Ingester]:
    """An ingester that runs until the end."""
    ingester = Ingester(config, directory / "ingest.log")
    ingester.start()
    try:
        if ready:
            ingester.wait_ready()
        yield ingester
    finally:
        if ingester.process.poll() is None:
            ingester.stop()
