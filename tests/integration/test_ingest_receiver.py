"""What a Collector wrote to Kafka comes in like any request; what nobody can read goes to dead letters."""

from __future__ import annotations

import base64
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.builders.ingesting import Ingester, configured, ingesting, span_ids
from tests.builders.otlp import request, span, span_id
from tests.fixtures.servers import Server

pytestmark = pytest.mark.integration

PARTITIONS = 2


def collectors_topic(bootstrap: str, namespace: str) -> str:
    """A topic of its own for a Collector."""
    topic = f"{namespace}-otlp_spans"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(20)
    return topic


@contextmanager
def receiving(bootstrap: str, namespace: str, directory: Path, **more: object) -> Iterator[tuple[Ingester, str]]:
    """An ingester that reads a Collector's topic, and the topic."""
    topic = collectors_topic(bootstrap, namespace)
    receiver = {"bootstrap": bootstrap, "topic": topic, "group": namespace, "tenant": "acme"}
    config = configured(bootstrap, namespace, kafka_receiver=receiver, **more)
    with ingesting(config, directory) as ingester:
        yield ingester, topic


def write(bootstrap: str, topic: str, *values: bytes | None) -> None:
    """Write records as a Collector does."""
    producer = Producer({"bootstrap.servers": bootstrap})
    for number, value in enumerate(values):
        producer.produce(topic, value, partition=number % PARTITIONS, headers=[("source", b"collector")])
    assert producer.flush(20) == 0


def committed(bootstrap: str, group: str, topic: str) -> int:
    """Records that the group has committed."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    try:
        places = consumer.committed([TopicPartition(topic, number) for number in range(PARTITIONS)], timeout=10)
        return sum(max(place.offset, 0) for place in places)
    finally:
        consumer.close()


def eventually(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def records(count: int) -> list[bytes]:
    """Records of three spans each."""
    return [
        request(*[span(trace=number, number=3 * number + n) for n in range(3)]).SerializeToString()
        for number in range(count)
    ]


def test_what_a_collector_wrote_is_in_the_log_and_the_rest_in_dead_letters(
    kafka: str, namespace: str, tmp_path: Path
) -> None:
    with receiving(kafka, namespace, tmp_path) as (ingester, topic):
        partly = request(span(number=900), span(trace_id=b"x")).SerializeToString()
        write(kafka, topic, *records(20), b"nonsense", None, partly)
        eventually(lambda: committed(kafka, namespace, topic) == 23)
        found = ingester.spans()
        assert {one.tenant for one in found} == {"acme"}
        assert span_ids(found) == {span_id(number): 1 for number in (*range(60), 900)}
        letters = sorted(ingester.dead_letters(), key=lambda letter: letter["text"])
        assert [letter["reason"] for letter in letters] == ["bad_trace_id", "malformed", "malformed"]
        assert "trace_id must be 16 bytes" in letters[0]["text"]
        for letter in letters:
            assert letter["topic"] == topic
            assert "content" not in letter
        lengths = {letter["length"]: letter["sha256"] for letter in letters}
        assert lengths == {len(value): sha256(value).hexdigest() for value in (b"nonsense", b"", partly)}
        assert ingester.metric("tracemill_ingest_spans_total", protocol="kafka") == 61
        assert ingester.metric("tracemill_ingest_dead_letters_total", reason="malformed") == 2


def test_the_bytes_of_a_dead_letter_are_kept_only_where_asked_for(kafka: str, namespace: str, tmp_path: Path) -> None:
    topic = collectors_topic(kafka, namespace)
    receiver = {"bootstrap": kafka, "topic": topic, "group": namespace}
    config = configured(kafka, namespace, kafka_receiver=receiver)
    config = config.model_validate(config.model_dump() | {"dead_letters": {"content": True}})
    with ingesting(config, tmp_path) as ingester:
        write(kafka, topic, b"nonsense")
        eventually(lambda: committed(kafka, namespace, topic) == 1)
        (letter,) = ingester.dead_letters()
        assert base64.b64decode(letter["content"]) == b"nonsense"


def test_a_receiver_that_is_killed_goes_on_where_it_had_committed(kafka: str, namespace: str, tmp_path: Path) -> None:
    with receiving(kafka, namespace, tmp_path) as (ingester, topic):
        sent = records(400)
        write(kafka, topic, *sent[:200])
        receiver = next(child for child in ingester.workers() if "receiver" in " ".join(child.cmdline()))
        receiver.send_signal(signal.SIGKILL)
        write(kafka, topic, *sent[200:])
        eventually(lambda: committed(kafka, namespace, topic) == 400, within_s=60)
        assert set(span_ids(ingester.spans())) == {span_id(number) for number in range(1_200)}


def test_nothing_is_committed_while_our_broker_is_away(
    kafka: str, broker: Server, namespace: str, tmp_path: Path
) -> None:
    topic = collectors_topic(kafka, namespace)
    receiver = {"bootstrap": kafka, "topic": topic, "group": namespace}
    config = configured(broker.address, namespace, kafka_receiver=receiver, delivery_timeout_ms=1_000)
    with ingesting(config, tmp_path) as ingester:
        broker.kill()
        write(kafka, topic, *records(10))
        eventually(lambda: ingester.why_not_ready() is not None)
        time.sleep(3)
        assert committed(kafka, namespace, topic) == 0
        broker.start()
        eventually(lambda: committed(kafka, namespace, topic) == 10)
        assert set(span_ids(ingester.spans())) == {span_id(number) for number in range(30)}
