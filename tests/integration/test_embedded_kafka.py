"""The embedded broker is a real one: it keeps what it acknowledged and refuses what it should."""

import signal

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from embedded.kafka import ready
from runtime.kafka import ensure_topics, producer_settings, topic_problems
from tests.fixtures.ports import own_port
from tests.fixtures.records import make, produce, read
from tests.fixtures.waiting import PATIENCE_S
from tracemill import topics
from tracemill.config import Kafka

pytestmark = pytest.mark.integration


def test_it_is_ready_once_a_record_was_written(kafka):
    assert ready.why_not(kafka, PATIENCE_S) is None
    assert "doesn't answer" in (ready.why_not(f"127.0.0.1:{own_port()}") or "")


def test_our_topics_are_made_and_found_right(kafka, namespace):
    settings = Kafka(bootstrap=kafka, namespace=namespace, partitions=2)
    ensure_topics(settings)
    ensure_topics(settings)
    assert topic_problems(settings) == []


def test_a_record_of_the_largest_size_goes_in_and_out(kafka, namespace):
    settings = Kafka(bootstrap=kafka, namespace=namespace, partitions=1)
    ensure_topics(settings, [topics.OTLP])
    value = bytes(topics.RECORD_BYTES)
    produce(kafka, topics.OTLP.name(namespace), [value], **{"compression.type": "none"})
    assert read(kafka, topics.OTLP.name(namespace), 1) == [value]


def test_an_unknown_topic_is_not_made(kafka, namespace):
    failures = []
    producer = Producer({"bootstrap.servers": kafka, "message.timeout.ms": 3000, "log_level": 0})
    producer.produce(f"{namespace}.typo", b"x", on_delivery=lambda error, _: failures.append(error))
    producer.flush(PATIENCE_S)
    assert failures[0].code() in (KafkaError._UNKNOWN_TOPIC, KafkaError._MSG_TIMED_OUT)
    assert f"{namespace}.typo" not in AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=PATIENCE_S).topics


def test_a_transactional_producer_is_refused(kafka):
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": "t", "log_level": 0})
    with pytest.raises(KafkaException) as refused:
        producer.init_transactions(PATIENCE_S)
    assert refused.value.args[0].code() == KafkaError.INVALID_TRANSACTION_TIMEOUT


def test_it_stops_on_sigterm_and_goes_on_where_it_was(broker, namespace):
    make(broker.address, namespace)
    produce(broker.address, namespace, [b"1", b"2"])
    assert broker.stop() == 143
    broker.start()
    produce(broker.address, namespace, [b"3"])
    assert read(broker.address, namespace, 3) == [b"1", b"2", b"3"]


def test_a_client_survives_a_broker_that_stands_still(broker, namespace):
    make(broker.address, namespace)
    broker.signal(signal.SIGSTOP)
    producer = Producer(producer_settings(Kafka(bootstrap=broker.address), int(PATIENCE_S * 1000)))
    producer.produce(namespace, b"late")
    assert producer.flush(1) == 1
    broker.signal(signal.SIGCONT)
    assert producer.flush(PATIENCE_S) == 0
    assert read(broker.address, namespace, 1) == [b"late"]
