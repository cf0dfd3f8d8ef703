"""How does a command reach every partition, and how is it found again? By control records and a topic of them."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from confluent_kafka import Message, Producer

from runtime.kafka import QUIET, producer_settings, read_from
from runtime.logs import pairs
from tracemill import topics
from tracemill.config import Kafka
from tracemill.control import read_rules, rules_record
from tracemill.errors import Malformed
from tracemill.sampling import RuleSet

log = logging.getLogger(__name__)

TIMEOUT_S = 15.0
SKIP = b"skip/"


class ControlError(RuntimeError):
    """A command didn't reach every partition; sent again it does no harm."""


def apply_rules(kafka: Kafka, rule_set: RuleSet) -> None:
    """Keep a rule set, then make it hold in every partition from its next record on.

    Raises:
        ControlError: Kafka didn't take it everywhere.
    """
    producer = Producer(producer_settings(kafka, int(TIMEOUT_S * 1000), log_level=QUIET))
    failed: list[str] = []

    def delivered(error: Any, _: Message) -> None:
        if error is not None:
            failed.append(str(error))

    record = rules_record(rule_set)
    producer.produce(
        topics.CONTROL.name(kafka.namespace), record, rule_set.digest.encode(), partition=0, on_delivery=delivered
    )
    if producer.flush(TIMEOUT_S) or failed:
        raise ControlError(f"the control topic didn't take the rules: {failed or 'no answer'}")
    headers: Any = [(topics.HEADER_TYPE, topics.TYPE_RULES.encode())]
    for partition in range(kafka.partitions):
        name = topics.OTLP.name(kafka.namespace)
        producer.produce(name, record, partition=partition, headers=headers, on_delivery=delivered)
    left = producer.flush(TIMEOUT_S)
    if left or failed:
        raise ControlError(f"{left + len(failed)} of {kafka.partitions} partitions didn't take the rules: {failed[:1]}")


def applied_rules(kafka: Kafka) -> list[RuleSet]:
    """Every rule set that was ever applied, the latest last."""
    found: list[RuleSet] = []

    def take(message: Message) -> None:
        if (message.key() or b"").startswith(SKIP):
            return
        try:
            found.append(read_rules(message.value() or b""))
        except Malformed as error:
            log.warning(pairs("a rule set can't be read", offset=message.offset(), why=error))

    read_from(kafka, topics.CONTROL.name(kafka.namespace), {0: 0}, take)
    return found


def skip(kafka: Kafka, partition: int, offset: int) -> None:
    """From now on no worker reads this record of `otlp.v1`.

    Raises:
        ControlError: Kafka didn't take it.
    """
    failed: list[str] = []
    producer = Producer(producer_settings(kafka, int(TIMEOUT_S * 1000), log_level=QUIET))
    key = SKIP + f"{partition}/{offset}".encode()
    producer.produce(
        topics.CONTROL.name(kafka.namespace),
        orjson.dumps({"partition": partition, "offset": offset}),
        key,
        partition=0,
        on_delivery=lambda error, _: failed.append(str(error)) if error else None,
    )
    if producer.flush(TIMEOUT_S) or failed:
        raise ControlError(f"the control topic didn't take {key.decode()}: {failed or 'no answer'}")


def skipped(kafka: Kafka, partition: int) -> set[int]:
    """The offsets of a partition that no worker reads."""
    found: set[int] = set()
    mine = SKIP + f"{partition}/".encode()

    def take(message: Message) -> None:
        key = message.key() or b""
        if key.startswith(mine):
            found.add(int(key.removeprefix(mine)))

    read_from(kafka, topics.CONTROL.name(kafka.namespace), {0: 0}, take)
    return found
