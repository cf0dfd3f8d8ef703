"""Does Kafka work? It does when a record was written."""

from __future__ import annotations

import socket
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

TOPIC: Final = "_tracemill.ready"
_TOPIC_CONFIG: Final = {"retention.ms": "3600000", "segment.bytes": str(1024**2), "retention.bytes": str(1024**2)}
_QUIET: Final = {"log_level": 0, "socket.connection.setup.timeout.ms": 2_000}


def why_not(bootstrap: str, timeout_s: float = 5.0) -> str | None:
    """None when a record could be written to the broker's own small topic, else the reason."""
    host, _, port = bootstrap.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout_s).close()
        _ensure_topic(bootstrap, timeout_s)
        return _produce(bootstrap, timeout_s)
    except KafkaException as error:
        return str(error.args[0])
    except OSError as error:
        return f"{bootstrap} doesn't answer: {error}"


def _ensure_topic(bootstrap: str, timeout_s: float) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, **_QUIET})
    if TOPIC in admin.list_topics(timeout=timeout_s).topics:
        return
    made = admin.create_topics([NewTopic(TOPIC, 1, 1, config=_TOPIC_CONFIG)])[TOPIC]
    try:
        made.result(timeout_s)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _produce(bootstrap: str, timeout_s: float) -> str | None:
    failures: list[str] = []
    settings = {"bootstrap.servers": bootstrap, "acks": "all", "delivery.timeout.ms": int(timeout_s * 1000), **_QUIET}
    producer = Producer({"linger.ms": 0, **settings})
    producer.produce(TOPIC, b"", on_delivery=lambda error, _: failures.append(str(error)) if error else None)
    left = producer.flush(timeout_s + 1)
    return failures[0] if failures else "the record wasn't acknowledged" if left else None
