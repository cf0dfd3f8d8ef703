"""How far a stack is, is read from a real broker; what never finishes is told."""

from __future__ import annotations

import threading
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from loadtest.progress import SETTLE_S, NotDoneError, Progress
from runtime.kafka import consumer_settings, ensure_topics, producer_settings
from tests.fixtures.waiting import PATIENCE_S
from tracemill import topics
from tracemill.config import Config, Kafka, Sinks, Streams

pytestmark = pytest.mark.integration


@pytest.fixture
def config(kafka: str, namespace: str) -> Config:
    config = Config(
        kafka=Kafka(bootstrap=kafka, namespace=namespace, partitions=2),
        streams=Streams(group=f"{namespace}-streams"),
        sinks=Sinks(group=f"{namespace}-sinks"),
    )
    ensure_topics(config.kafka)
    return config


def _write(config: Config, topic: topics.Topic, partition: int, count: int) -> None:
    producer = Producer(producer_settings(config.kafka, int(PATIENCE_S * 1000)))
    for _ in range(count):
        producer.produce(topic.name(config.kafka.namespace), b"x", partition=partition)
    assert producer.flush(PATIENCE_S) == 0


def _store(config: Config, topic: topics.Topic, partition: int, offset: int) -> None:
    _commit(config, config.sinks.group, topic, partition, offset)


def _commit(config: Config, group: str, topic: topics.Topic, partition: int, offset: int) -> None:
    consumer = Consumer(consumer_settings(config.kafka, group))
    place = TopicPartition(topic.name(config.kafka.namespace), partition, offset)
    consumer.commit(offsets=[place], asynchronous=False)
    consumer.close()


def test_records_written_and_not_yet_stored_are_counted(config: Config) -> None:
    progress = Progress(config)
    assert progress.standing() == (0, 0, 0, 0, 0)
    _write(config, topics.OTLP, 1, 4)
    _write(config, topics.TRACES, 0, 3)
    _write(config, topics.SPANS, 1, 2)
    assert progress.standing() == (4, 3, 2, 4, 5)
    _commit(config, config.streams.group, topics.OTLP, 1, 3)
    _store(config, topics.TRACES, 0, 2)
    _store(config, topics.SPANS, 1, 2)
    assert progress.standing() == (4, 3, 2, 1, 1)


def test_waiting_ends_when_nothing_moves_and_says_when_it_last_did(config: Config) -> None:
    _write(config, topics.TRACES, 0, 1)

    def later() -> None:
        time.sleep(1.0)  # so that nothing moves for a while before
        _write(config, topics.TRACES, 0, 1)
        _store(config, topics.TRACES, 0, 2)

    began = time.monotonic()
    storing = threading.Thread(target=later)
    storing.start()
    stored_s = Progress(config).wait_until_stored(2, timeout_s=PATIENCE_S)
    storing.join()
    assert began + 1.0 <= stored_s < time.monotonic() - SETTLE_S


def test_it_is_quiet_when_nobody_is_behind(config: Config) -> None:
    _write(config, topics.OTLP, 0, 2)
    with pytest.raises(NotDoneError, match="streams_behind=2"):
        Progress(config).wait_until_quiet(still_s=0.0, timeout_s=0.5)
    _commit(config, config.streams.group, topics.OTLP, 0, 2)
    Progress(config).wait_until_quiet(still_s=0.5, timeout_s=PATIENCE_S)


def test_what_is_not_done_in_time_is_told(config: Config) -> None:
    _write(config, topics.TRACES, 0, 1)
    with pytest.raises(NotDoneError, match="traces=1"):
        Progress(config).wait_until_decided(2, timeout_s=0.5)
