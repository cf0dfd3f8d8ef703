"""How does a process of Tracemill talk to Kafka? Client settings, topics made and checked, records by offset."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from runtime.kafka_security import librdkafka
from tracemill import topics
from tracemill.config import ConfigError, Kafka

ADMIN_TIMEOUT_S = 10.0
MAKING_TIMEOUT_S = 60.0
"""A broker that is busy may take its time to make topics."""
RECONNECT_MS = 1_000
"""A broker that comes back is found so soon; librdkafka would wait for up to ten seconds."""
DEFAULT_LEVEL = -1
COMPRESSION_LEVELS = {"zstd": 1}
"""Where the codec's own default costs more CPU than what it saves is worth."""
QUIET = 2
"""librdkafka's `log_level` for clients whose user says itself what goes wrong, so that it doesn't write to stderr."""


def client_settings(kafka: Kafka, **more: Any) -> dict[str, Any]:
    """librdkafka settings of any client: where the brokers are, and who we are."""
    return {
        "bootstrap.servers": kafka.bootstrap,
        "reconnect.backoff.max.ms": RECONNECT_MS,
        **librdkafka(kafka.security),
        **more,
    }


def producer_settings(kafka: Kafka, delivery_timeout_ms: int = 10_000, **more: Any) -> dict[str, Any]:
    """librdkafka settings of a producer that loses and repeats nothing: acks=all, idempotent."""
    return {
        **client_settings(kafka),
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": kafka.compression,
        "compression.level": COMPRESSION_LEVELS.get(kafka.compression, DEFAULT_LEVEL),
        "linger.ms": 0,
        "delivery.timeout.ms": delivery_timeout_ms,
        "message.max.bytes": topics.RECORD_BYTES + 64 * 1024,
        **more,
    }


def consumer_settings(kafka: Kafka, group: str, **more: Any) -> dict[str, Any]:
    """librdkafka settings of a consumer that commits by itself and starts at the oldest record."""
    return {
        **client_settings(kafka),
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "fetch.message.max.bytes": topics.RECORD_BYTES + 64 * 1024,
        **more,
    }


def ensure_topics(kafka: Kafka, wanted: Iterable[topics.Topic] = topics.ALL, namespace: str | None = None) -> None:
    """Make the topics that are missing, and check the partition counts of those that are there.

    Raises:
        ConfigError: a topic has another number of partitions than configured, or otlp isn't LogAppendTime.
        KafkaException: no broker answers.
    """
    refusals: list[KafkaError] = []
    admin = AdminClient(client_settings(kafka, log_level=QUIET, error_cb=refusals.append))
    space = namespace or kafka.namespace
    try:
        known = admin.list_topics(timeout=ADMIN_TIMEOUT_S).topics
    except KafkaException as error:
        admin.poll(0)
        raise _with_reason(error, refusals) from error
    missing = [topic for topic in wanted if topic.name(space) not in known]
    wanting = [_new_topic(topic, kafka, space) for topic in missing]
    made = admin.create_topics(wanting, request_timeout=MAKING_TIMEOUT_S) if wanting else {}
    for name, future in made.items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise KafkaException(f"topic {name} could not be made: {error}") from error
    problems = topic_problems(kafka, wanted, space)
    if problems:
        raise ConfigError("; ".join(problems))


def _with_reason(error: KafkaException, refusals: list[KafkaError]) -> KafkaException:
    """A client that isn't let in is only told that it got no answer in time; why is told to its `error_cb`."""
    told = [each.str() for each in refusals if each.code() in _REFUSED]
    return KafkaException(f"{told[-1]} (see kafka.security)") if told else error


_REFUSED = (KafkaError._AUTHENTICATION, KafkaError._SSL)


def _new_topic(topic: topics.Topic, kafka: Kafka, space: str) -> NewTopic:
    count = topics.partition_count(topic, kafka.partitions)
    config = topic.config(kafka.retained_bytes, count, kafka.min_insync_replicas)
    return NewTopic(topic.name(space), count, kafka.replication_factor, config=config)


def topic_problems(
    kafka: Kafka, wanted: Iterable[topics.Topic] = topics.ALL, namespace: str | None = None
) -> list[str]:
    """What is wrong with the topics as they are on the broker, each as a sentence that says what to do."""
    admin = AdminClient(client_settings(kafka, log_level=QUIET))
    space = namespace or kafka.namespace
    known = _settled(admin, [topic.name(space) for topic in wanted])
    problems = []
    for topic in wanted:
        name, count = topic.name(space), topics.partition_count(topic, kafka.partitions)
        if name not in known:
            problems.append(f"topic {name} doesn't exist: run `tracemill topics create`")
        elif len(known[name].partitions) != count:
            problems.append(
                f"topic {name} has {len(known[name].partitions)} partitions, the configuration says {count}: "
                "set kafka.partitions to what the topic has, or use another kafka.namespace"
            )
        elif topic.log_append_time and _timestamp_type(admin, name) != "LogAppendTime":
            problems.append(f"topic {name} isn't LogAppendTime: set message.timestamp.type=LogAppendTime on it")
    return problems


def _settled(admin: AdminClient, names: Sequence[str]) -> dict[str, Any]:
    """Metadata of all topics, read again for a moment while a topic just made isn't spread yet."""
    deadline = time.monotonic() + 5
    while True:
        known = admin.list_topics(timeout=ADMIN_TIMEOUT_S).topics
        if all(name in known and known[name].partitions for name in names) or time.monotonic() > deadline:
            return known
        time.sleep(0.1)


def _timestamp_type(admin: AdminClient, name: str) -> str:
    resource = ConfigResource(ResourceType.TOPIC, name)
    described = admin.describe_configs([resource], request_timeout=ADMIN_TIMEOUT_S)
    return described[resource].result()["message.timestamp.type"].value


def read_from(
    kafka: Kafka, topic: str, starts: dict[int, int], each: Callable[[Message], None], timeout_s: float = 60.0
) -> None:
    """Hand every record of the given partitions, from the given offsets to the ends as they are now, to `each`.

    Raises:
        TimeoutError: the ends weren't reached in `timeout_s`.
    """
    consumer = Consumer(consumer_settings(kafka, "tracemill-reader", log_level=QUIET))
    try:
        left: dict[int, int] = {}
        for partition, start in starts.items():
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ADMIN_TIMEOUT_S)
            if max(start, low) < high:
                left[partition] = high
        consumer.assign([TopicPartition(topic, partition, starts[partition]) for partition in left])
        deadline = time.monotonic() + timeout_s
        while left:
            for message in consumer.consume(500, timeout=0.2):
                if message.error():
                    raise KafkaException(message.error())
                each(message)
            for position in consumer.position([TopicPartition(topic, partition) for partition in left]):
                if position.offset >= left[position.partition]:
                    del left[position.partition]
                    consumer.incremental_unassign([TopicPartition(topic, position.partition)])
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{topic}: partitions {sorted(left)} weren't read to their ends in {timeout_s:.0f} s"
                )
    finally:
        consumer.close()


def offset_at(kafka: Kafka, topic: str, partition: int, since_ms: int) -> int | None:
    """The offset of the first record that was appended at this time (since the epoch) or later; None if there is none.

    Raises:
        KafkaException: no broker answers.
    """
    consumer = Consumer(consumer_settings(kafka, "tracemill-reader"))
    try:
        place = TopicPartition(topic, partition, max(0, since_ms))
        offset = consumer.offsets_for_times([place], timeout=ADMIN_TIMEOUT_S)[0].offset
    finally:
        consumer.close()
    return offset if offset >= 0 else None


def fetch_records(
    kafka: Kafka, topic: str, partition: int, offsets: Iterable[int], timeout_s: float = 30.0
) -> dict[int, Message]:
    """The records of a partition at the given offsets, by offset; those that the log no longer has are left out.

    Neighbours are read in one go; over a gap of more than `SEEK_GAP` records the reader seeks.

    Raises:
        TimeoutError: they weren't read in `timeout_s`.
    """
    found: dict[int, Message] = {}
    consumer = Consumer(consumer_settings(kafka, "tracemill-reader"))
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ADMIN_TIMEOUT_S)
        for run in _runs(sorted(offset for offset in set(offsets) if low <= offset < high)):
            consumer.assign([TopicPartition(topic, partition, run[0])])
            _read_run(consumer, set(run), run[-1], found, time.monotonic() + timeout_s)
    finally:
        consumer.close()
    return found


SEEK_GAP = 32


def _runs(offsets: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for offset in offsets:
        if runs and offset - runs[-1][-1] <= SEEK_GAP:
            runs[-1].append(offset)
        else:
            runs.append([offset])
    return runs


def _read_run(consumer: Consumer, wanted: set[int], last: int, found: dict[int, Message], deadline: float) -> None:
    while True:
        for message in consumer.consume(100, timeout=0.2):
            if message.error():
                raise KafkaException(message.error())
            if message.offset() in wanted:
                found[message.offset()] = message
            if message.offset() >= last:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the records at {sorted(wanted - found.keys())[:5]} weren't read in time")
