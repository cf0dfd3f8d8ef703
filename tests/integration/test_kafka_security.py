"""A broker that asks for TLS and a password: every client shows who it is, and who isn't let in is told why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException

from runtime.kafka import ensure_topics
from tests.fixtures.secure import PASSWORD, USER, SecureBroker, add_scram_user, secure_broker
from tests.fixtures.servers import Server
from tests.fixtures.streaming import Pipeline, load
from tests.fixtures.waiting import eventually
from tracemill import topics
from tracemill.config import Kafka, KafkaSecurity

pytestmark = pytest.mark.integration

SPANS = 800


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SecureBroker, Server, Path]]:
    made = secure_broker(tmp_path_factory.mktemp("secure"))
    made[1].start()
    try:
        add_scram_user(made[0].bootstrap)
        yield made
    finally:
        made[1].stop()


def security(certificate: Path, **more: Any) -> dict[str, Any]:
    said = {"tls": True, "ca_file": str(certificate), "mechanism": "PLAIN", "username": USER, "password": PASSWORD}
    return said | more


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_worker_reads_and_writes_behind_tls_and_a_password(
    broker: tuple[SecureBroker, Server, Path], namespace: str, tmp_path: Path, mechanism: str
) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    shown = security(broker[2], mechanism=mechanism, password="", password_file=str(secret))
    pipeline = Pipeline(broker[0].secure, namespace, tmp_path, security=shown)
    pipeline.make_topics()
    try:
        pipeline.worker()
        plain = Pipeline(broker[0].bootstrap, namespace, tmp_path)
        assert load(plain, SPANS, 2_000).wait(60) == 0
        eventually(lambda: len(plain.stored_spans()), SPANS)
    finally:
        pipeline.stop()
    assert sum(map(len, pipeline.read(topics.TRACES))) >= SPANS / 8


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"password": "wrong"}, "[Aa]uthentication"), ({"ca_file": None}, "certificate|SSL")],
)
def test_who_is_not_let_in_is_told_why(
    broker: tuple[SecureBroker, Server, Path], wrong: dict[str, Any], why: str
) -> None:
    shown = KafkaSecurity.model_validate(security(broker[2], **wrong))
    with pytest.raises(KafkaException, match=why) as refusal:
        ensure_topics(Kafka(bootstrap=broker[0].secure, security=shown))
    assert "kafka.security" in str(refusal.value)
