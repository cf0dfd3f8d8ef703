"""A filled log holds every span of the load once, as an ingester would have written it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans

from loadtest.claims import read_claims
from loadtest.expected import expect, span_keys, trace_keys
from runtime.kafka import read_from
from tests.fixtures.waiting import PATIENCE_S
from tracemill import topics
from tracemill.bundles import read_index
from tracemill.config import Kafka
from tracemill.topics import partition_of

pytestmark = pytest.mark.integration

PARTITIONS = 3


def test_every_span_is_in_the_log_once_in_its_partition(kafka: str, namespace: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    command = [sys.executable, "-m", "loadtest.fill", "--bootstrap", kafka, "--namespace", namespace]
    options = ["--partitions", str(PARTITIONS), "--spans", "4000", "--late-every", "10", "--late-after", "3"]
    done = subprocess.run(
        [*command, *options, "--ledger", str(ledger)], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    ids: list[tuple[bytes, bytes]] = []

    def each(message: Message) -> None:
        value, headers = message.value() or b"", dict(message.headers() or [])
        assert message.timestamp()[0] == TIMESTAMP_LOG_APPEND_TIME
        for group in read_index(bytes(headers[topics.HEADER_INDEX] or b""), len(value)):
            for trace_id, start, end, _ in group.chunks:
                assert partition_of(trace_id, PARTITIONS) == message.partition()
                ids.extend((span.trace_id, span.span_id) for span in ScopeSpans.FromString(value[start:end]).spans)

    settings = Kafka(bootstrap=kafka, namespace=namespace, partitions=PARTITIONS)
    read_from(settings, topics.OTLP.name(namespace), dict.fromkeys(range(PARTITIONS), 0), each)
    traces, spans = (np.frombuffer(b"".join(column), dtype=np.uint8) for column in zip(*ids, strict=True))
    keys = span_keys(trace_keys(traces.reshape(-1, 16)), spans.reshape(-1, 8))
    expected = expect(read_claims(ledger))
    assert json.loads(done.stdout)["spans"] == len(ids) == 4000
    assert np.array_equal(np.sort(keys), expected.spans)
