"""The doctor says what is wrong, and what to do about it."""

from __future__ import annotations

import clickhouse_connect
import pytest

from cli.doctor import broker, examine, machine, store, topics
from runtime.kafka import ensure_topics
from sinks.clickhouse import connect
from sinks.migrations import apply, layout_of
from tests.fixtures.ports import own_port
from tests.fixtures.waiting import eventually
from tracemill.config import Config, Kafka, Store

pytestmark = pytest.mark.integration


def remedies(findings) -> dict[str, str]:
    return {finding.what: finding.remedy for finding in findings}


def test_a_healthy_kafka_and_store(kafka: str, store_config: Config) -> None:
    ensure_topics(store_config.kafka)
    client = connect(store_config.store)
    apply(client, layout_of(store_config))
    client.close()
    eventually(lambda: remedies(broker(store_config)), {"Kafka": ""})
    assert remedies(topics(store_config)) == {"topics": ""}
    assert remedies(store(store_config)) == {"store": ""}


def test_topics_and_tables_that_are_missing(store_config: Config) -> None:
    assert "tracemill topics create" in remedies(topics(store_config))["topics"]
    assert "tracemill schema apply" in remedies(store(store_config))["store"]


def test_another_number_of_partitions(store_config: Config) -> None:
    ensure_topics(store_config.kafka)
    other = store_config.model_copy(update={"kafka": store_config.kafka.model_copy(update={"partitions": 3})})
    assert "set kafka.partitions" in remedies(topics(other))["topics"]


def test_nobody_there() -> None:
    parts = {name: {"metrics_port": own_port()} for name in ("ingest", "streams", "sinks")}
    nowhere = {"kafka": {"bootstrap": f"127.0.0.1:{own_port()}"}, "store": {"url": f"http://127.0.0.1:{own_port()}"}}
    found = remedies(examine(Config.model_validate(nowhere | parts | {"api": {"port": own_port()}})))
    assert "kafka.bootstrap" in found["Kafka"]
    assert "topics" not in found
    assert "store.url" in found["store"]
    assert "tracemill up" in found["streams"]


def test_the_machine() -> None:
    found = {finding.what.split()[0]: finding.found for finding in machine(Config())}
    assert {"Python", "memory", "disk", "Java"} == set(found)


@pytest.fixture
def store_config(kafka: str, namespace: str, store: str):
    config = Config(
        kafka=Kafka(bootstrap=kafka, namespace=namespace, partitions=2), store=Store(url=store, database=namespace)
    )
    yield config
    client = clickhouse_connect.get_client(dsn=store, autogenerate_session_id=False)
    client.command(f"DROP DATABASE IF EXISTS {namespace} SYNC")
    client.close()
