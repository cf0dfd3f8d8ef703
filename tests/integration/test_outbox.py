"""Is a record in Kafka once an outbox says so, and does it say so when it isn't?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import KafkaException, Message

from runtime import outbox
from runtime.kafka import ensure_topics, read_from
from runtime.outbox import Outbox
from tests.fixtures.ports import own_port
from tracemill import topics
from tracemill.config import Kafka

pytestmark = pytest.mark.integration


def test_what_many_threads_write_is_there_once_at_the_offset_that_each_was_told(kafka: str, namespace: str) -> None:
    config = Kafka(bootstrap=kafka, namespace=namespace, partitions=2)
    ensure_topics(config, [topics.SCORES])
    name = topics.SCORES.name(namespace)
    with Outbox(config) as writer, ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda number: writer.send(name, b"%d" % number, number % 2, key="k"), range(200)))
        told = {(number % 2, future.result()): b"%d" % number for number, future in enumerate(sent)}
    found: list[tuple[tuple[int, int], bytes]] = []

    def take(message: Message) -> None:
        found.append(((message.partition() or 0, message.offset() or 0), message.value() or b""))

    read_from(config, name, {0: 0, 1: 0}, take)
    assert len(found) == 200
    assert dict(found) == told


def test_one_that_was_closed_begins_anew(kafka: str, namespace: str) -> None:
    config = Kafka(bootstrap=kafka, namespace=namespace, partitions=1)
    ensure_topics(config, [topics.SCORES])
    writer = Outbox(config)
    for offset in range(3):
        assert writer.send(topics.SCORES.name(namespace), b"", 0).result() == offset
        writer.close()


def test_what_no_broker_takes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "TIMEOUT_S", 1)
    with Outbox(Kafka(bootstrap=f"127.0.0.1:{own_port()}")) as writer:
        sent = [writer.send("nowhere", b"x", 0) for _ in range(3)]
        for each in sent:
            with pytest.raises(KafkaException, match="timed out"):
                each.result()
