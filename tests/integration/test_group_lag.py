"""How far a group is behind is known from outside, to the millisecond, and stays known while Kafka is away."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from prometheus_client import CollectorRegistry

from api.groups import Lags, Watch
from runtime.group_lag import Behind, Group, GroupLag, groups
from runtime.kafka import consumer_settings, ensure_topics, producer_settings
from tests.fixtures.servers import Server
from tests.fixtures.waiting import PATIENCE_S, eventually
from tracemill import topics
from tracemill.config import Config, Kafka

pytestmark = pytest.mark.integration

NOW_MS = 1_760_000_000_000
PARTITIONS = 4


class Log:
    """A topic whose records have the times that a test gives them, and a group that reads it."""

    def __init__(self, bootstrap: str, namespace: str) -> None:
        kafka = Kafka(bootstrap=bootstrap, namespace=namespace, partitions=PARTITIONS)
        self.topic = topics.SPANS.name(namespace)
        self.group = Group(f"{namespace}-sinks", kafka, (self.topic,))
        ensure_topics(kafka)
        self._producer = Producer(producer_settings(kafka, int(PATIENCE_S * 1000)))

    def append(self, partition: int, *at_ms: int, size: int = 10) -> None:
        for each in at_ms:
            self._producer.produce(self.topic, bytes(size), partition=partition, timestamp=NOW_MS + each)
        assert self._producer.flush(PATIENCE_S) == 0

    def commit(self, partition: int, offset: int) -> None:
        consumer = Consumer(consumer_settings(self.group.kafka, self.group.name))
        consumer.commit(offsets=[TopicPartition(self.topic, partition, offset)], asynchronous=False)
        consumer.close()


@pytest.fixture
def log(kafka: str, namespace: str) -> Log:
    return Log(kafka, namespace)


@pytest.fixture
def lag(log: Log) -> Iterator[GroupLag]:
    lag = GroupLag(log.group)
    eventually(lambda: known(lag), PARTITIONS)
    yield lag
    lag.close()


def known(lag: GroupLag) -> int:
    """Of a topic that was just made not every partition has a leader."""
    try:
        return len(lag.look())
    except KafkaException:
        return 0


def found(log: Log, lag: GroupLag) -> list[tuple[int, int | None]]:
    """By partition: how many records, and when the first was appended, in milliseconds after `NOW_MS`."""
    seen = lag.look()
    behind = [seen[log.topic, number] for number in range(PARTITIONS)]
    return [(each.records, None if each.unread_ms is None else each.unread_ms - NOW_MS) for each in behind]


def test_the_next_uncommitted_record_says_since_when(log: Log, lag: GroupLag) -> None:
    assert found(log, lag) == [(0, None)] * PARTITIONS
    log.append(0, 100, 200, 300)
    log.append(1, 5_000)
    log.append(3, 7, 8)
    assert found(log, lag) == [(3, 100), (1, 5_000), (0, None), (2, 7)]
    log.commit(0, 2)
    log.commit(1, 1)
    assert found(log, lag) == [(1, 300), (0, None), (0, None), (2, 7)]
    log.append(1, 6_000, 7_000)
    log.commit(0, 3)
    assert found(log, lag) == [(0, None), (2, 6_000), (0, None), (2, 7)]


def test_large_records_hide_no_partition(log: Log, lag: GroupLag) -> None:
    for number in range(PARTITIONS):
        log.append(number, *range(number, number + 8), size=2 * 1024**2)
        log.commit(number, number)
    assert found(log, lag) == [(8 - number, 2 * number) for number in range(PARTITIONS)]


def test_a_topic_that_is_not_there_has_no_partitions(log: Log) -> None:
    lag = GroupLag(Group("nobody", log.group.kafka, (f"{log.topic}.not",)))
    assert lag.look() == {}
    lag.close()


@pytest.mark.parametrize(
    ("behind", "seconds"), [(Behind(3, NOW_MS - 2_500), 2.5), (Behind(0, None), 0.0), (Behind(3, None), None)]
)
def test_its_age_is_that_of_the_oldest(behind: Behind, seconds: float | None) -> None:
    assert behind.seconds(NOW_MS) == seconds


def test_every_consumer_of_a_configuration_has_its_group() -> None:
    receiver = {"bootstrap": "elsewhere:9092", "topic": "otlp_spans"}
    exporter = {"url": "http://collector:4318/v1/traces"}
    config = Config.model_validate({"ingest": {"kafka_receiver": receiver}, "sinks": {"otlp_exporter": exporter}})
    assert [(each.name, each.kafka.bootstrap, each.topics) for each in groups(config)] == [
        ("tracemill-streams", "127.0.0.1:9092", ("tracemill.otlp.v1",)),
        ("tracemill-sinks", "127.0.0.1:9092", ("tracemill.spans.v1", "tracemill.traces.v1", "tracemill.scores.v1")),
        ("tracemill-otlp-exporter", "127.0.0.1:9092", ("tracemill.spans.v1",)),
        ("tracemill-receiver", "elsewhere:9092", ("otlp_spans",)),
    ]


def test_while_kafka_is_away_what_waited_grows_older_and_the_last_look_stays(broker: Server, namespace: str) -> None:
    log, registry = Log(broker.address, namespace), CollectorRegistry()
    watch = Watch(log.group)
    registry.register(Lags([watch]))
    log.append(0, int(time.time() * 1000) - NOW_MS - 5_000)
    watch.start()
    try:
        eventually(lambda: watch.looked_s > 0)
        broker.kill()
        labels = {"group": log.group.name, "topic": log.topic, "partition": "0"}

        def age() -> float:
            return registry.get_sample_value("tracemill_kafka_group_lag_seconds", labels) or 0.0

        with pytest.raises(KafkaException):
            GroupLag(log.group).look()
        looked, before = watch.looked_s, age()
        assert before >= 5
        eventually(lambda: age() > before + 1)
        assert watch.looked_s == looked
        broker.start()
        eventually(lambda: watch.looked_s > looked)
        log.commit(0, 1)
        eventually(age, 0.0)
    finally:
        watch.stop()
