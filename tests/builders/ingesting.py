"""A real ingester to send to, and what it wrote to the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from confluent_kafka import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, TracesData

from runtime.kafka import read_from
from tests.fixtures.ports import own_port
from tests.fixtures.waiting import PATIENCE_S
from tracemill import bundles, topics
from tracemill.config import Config

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_PROGRAM = (
    "import sys; from tracemill.config import Config; from ingest.app import run; "
    "run(Config.model_validate_json(sys.stdin.read()))"
)


class Found(NamedTuple):
    """A span in the log; its resource is as it was sent, without the tenant's stamp."""

    partition: int
    tenant: str
    span: Span
    resource: Resource
    scope: InstrumentationScope


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
        deadline = time.monotonic() + PATIENCE_S
        while (why := self.why_not_ready()) is not None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the ingester isn't ready: {why}\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    def why_not_ready(self) -> str | None:
        """What /readyz says."""
        try:
            with urllib.request.urlopen(self.url(self.config.ingest.metrics_port, "/readyz"), timeout=PATIENCE_S):
                return None
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()
        except OSError as error:
            return str(error)

    def url(self, port: int, path: str) -> str:
        """An address of it."""
        return f"http://127.0.0.1:{port}{path}"

    def workers(self) -> list[psutil.Process]:
        """Its child processes."""
        return psutil.Process(self.process.pid).children()

    def post(self, body: bytes, media: str = PROTOBUF, path: str = "/v1/traces", **headers: str) -> Heard:
        """Send a body on a connection of its own, as far as it is taken; `_` in header names is `-`."""
        connection = HTTPConnection("127.0.0.1", self.config.ingest.http_port, timeout=PATIENCE_S)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before it was sent to its end
            connection.request("POST", path, body, {"Content-Type": media, **names})
        response = connection.getresponse()
        heard = Heard(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return heard

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value over all processes, 0 where it isn't there."""
        address = self.url(self.config.ingest.metrics_port, "/metrics")
        with urllib.request.urlopen(address, timeout=PATIENCE_S) as response:
            lines = response.read().decode().splitlines()
        wanted = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        start = f"{name}{{{wanted}}} " if labels else f"{name} "
        return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

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
        sent = Resource(attributes=resource.resource.attributes[:-1])
        inside = [one for _, start, end, _ in group.chunks for one in ScopeSpans.FromString(value[start:end]).spans]
        assert inside == list(resource.scope_spans[0].spans)
        for one in inside:
            assert topics.partition_of(one.trace_id, 8) == partition
            yield Found(partition, tenant, one, sent, resource.scope_spans[0].scope)


def found_by_id(ingester: Ingester, *ids: bytes) -> list[Found]:
    """These spans as they are in the log, in the order asked for."""
    by_id = {one.span.span_id: one for one in ingester.spans() if one.span.span_id in ids}
    return [by_id[one] for one in ids]


def said(heard: Heard, media: str) -> str:
    """The sentence that a refused client hears."""
    return str(json.loads(heard.body)["message"] if media == JSON else Status.FromString(heard.body).message)


def span_ids(found: list[Found]) -> Counter[bytes]:
    """How often each span id is in the log."""
    return Counter(one.span.span_id for one in found)


def configured(bootstrap: str, namespace: str, limits: dict[str, Any] | None = None, **ingest: Any) -> Config:
    """A configuration with ports of its own."""
    ports = {name: own_port() for name in ("grpc_port", "http_port", "metrics_port")}
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
