"""What a Collector wrote to Kafka comes in like any request; what nobody can read goes to dead letters."""

from __future__ import annotations

import base64
import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.builders.ingesting import Found, Ingester, configured, ingesting, span_ids
from tests.builders.otlp import request, span, span_id
from tests.fixtures.servers import Server
from tests.fixtures.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.integration

PARTITIONS = 2
GOLDEN: Final = Path(__file__).parents[1] / "golden" / "otlp" / "kafka"


class Exported(NamedTuple):
    """A record as a real Collector wrote it."""

    key: bytes | None
    headers: list[tuple[str, bytes]]
    value: bytes


def exported(name: str) -> list[Exported]:
    """The recorded records of a mode of the Collector's exporter."""
    return [
        Exported(
            record["key"] and base64.b64decode(record["key"]),
            [(header, base64.b64decode(value)) for header, value in record["headers"]],
            base64.b64decode(record["value"]),
        )
        for record in json.loads((GOLDEN / f"collector-{name}.json").read_text())
    ]


def collectors_topic(bootstrap: str, namespace: str) -> str:
    """A topic of its own for a Collector."""
    topic = f"{namespace}-otlp_spans"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(PATIENCE_S)
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
    assert producer.flush(PATIENCE_S) == 0


def replay(bootstrap: str, topic: str, records: list[Exported]) -> None:
    """Write a Collector's records once more, byte for byte."""
    producer = Producer({"bootstrap.servers": bootstrap})
    for record in records:
        producer.produce(topic, record.value, record.key, headers=record.headers)
    assert producer.flush(PATIENCE_S) == 0


def said(found: list[Found], tenant: str) -> Counter[tuple[bytes, ...]]:
    """How often each span of a tenant is in the log, with its resource and scope."""
    messages = [(one.resource, one.scope, one.span) for one in found if one.tenant == tenant]
    return Counter(tuple(part.SerializeToString(deterministic=True) for part in parts) for parts in messages)


def committed(bootstrap: str, group: str, topic: str) -> int:
    """Records that the group has committed."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    try:
        places = consumer.committed([TopicPartition(topic, number) for number in range(PARTITIONS)], timeout=PATIENCE_S)
        return sum(max(place.offset, 0) for place in places)
    finally:
        consumer.close()


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
        eventually(lambda: committed(kafka, namespace, topic), 23)
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
        assert ingester.metric("tracemill_ingest_accepted_spans_total", protocol="kafka") == 61
        assert ingester.metric("tracemill_ingest_dead_letters_total", reason="malformed") == 2


def test_a_collectors_records_come_in_as_the_same_bytes_do_over_http(
    kafka: str, namespace: str, tmp_path: Path
) -> None:
    (whole,), by_trace = exported("whole"), exported("by-trace")
    broken = whole._replace(value=whole.value[:-1])
    with receiving(kafka, namespace, tmp_path) as (ingester, topic):
        replay(kafka, topic, [whole, broken, *by_trace])
        for record in (whole, *by_trace):
            assert ingester.post(record.value)[::2] == (200, b"")
        eventually(lambda: committed(kafka, namespace, topic), 4)
        found = ingester.spans()
        assert said(found, "acme") == said(found, "default")
        assert set(said(found, "acme").values()) == {2}
        assert {one.span.span_id for one in found} == {span_id(number) for number in range(4)}
        (letter,) = ingester.dead_letters()
        assert (letter["reason"], letter["sha256"]) == ("malformed", sha256(broken.value).hexdigest())


def test_a_receiver_that_was_stopped_goes_on_behind_its_last_record(kafka: str, namespace: str, tmp_path: Path) -> None:
    with receiving(kafka, namespace, tmp_path) as (ingester, topic):
        replay(kafka, topic, exported("whole"))
        eventually(lambda: committed(kafka, namespace, topic), 1)
        assert ingester.stop() == 0
        replay(kafka, topic, exported("by-trace"))
        ingester.start()
        ingester.wait_ready()
        eventually(lambda: committed(kafka, namespace, topic), 3)
        assert span_ids(ingester.spans()) == {span_id(number): 2 for number in range(4)}


def test_the_bytes_of_a_dead_letter_are_kept_only_where_asked_for(kafka: str, namespace: str, tmp_path: Path) -> None:
    topic = collectors_topic(kafka, namespace)
    receiver = {"bootstrap": kafka, "topic": topic, "group": namespace}
    config = configured(kafka, namespace, kafka_receiver=receiver)
    config = config.model_validate(config.model_dump() | {"dead_letters": {"content": True}})
    with ingesting(config, tmp_path) as ingester:
        write(kafka, topic, b"nonsense")
        eventually(lambda: committed(kafka, namespace, topic), 1)
        (letter,) = ingester.dead_letters()
        assert base64.b64decode(letter["content"]) == b"nonsense"


def test_a_receiver_that_is_killed_goes_on_where_it_had_committed(kafka: str, namespace: str, tmp_path: Path) -> None:
    with receiving(kafka, namespace, tmp_path) as (ingester, topic):
        sent = records(400)
        write(kafka, topic, *sent[:200])
        receiver = next(child for child in ingester.workers() if "receiver" in " ".join(child.cmdline()))
        receiver.send_signal(signal.SIGKILL)
        write(kafka, topic, *sent[200:])
        eventually(lambda: committed(kafka, namespace, topic), 400)
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
        eventually(lambda: committed(kafka, namespace, topic), 10)
        assert set(span_ids(ingester.spans())) == {span_id(number) for number in range(30)}
