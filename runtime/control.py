"""How does a command reach the partitions it concerns, and how is it found again? By control records and their topic.

A key of `control.v1` says what its record is: `rules/<hash>`, `override/<tenant>/<id>` or `skip/<partition>/<offset>`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from confluent_kafka import KafkaError, Message, Producer

from runtime.kafka import QUIET, producer_settings, read_from
from runtime.logs import pairs
from tracemill import topics
from tracemill.config import Kafka
from tracemill.control.overrides import Order, override_record, read_override
from tracemill.control.promotions import Promotion, promotion_record
from tracemill.control.rules import read_rules, rules_record
from tracemill.errors import Malformed
from tracemill.sampling import RuleSet
from tracemill.sampling.steering import Override, Steering

log = logging.getLogger(__name__)

TIMEOUT_S = 15.0
RULES, OVERRIDE, SKIP = "rules/", "override/", "skip/"


class ControlError(RuntimeError):
    """A command didn't reach every partition; sent again it does no harm."""


def apply_rules(kafka: Kafka, rule_set: RuleSet) -> None:
    """Keep a rule set, then make it hold in every partition from its next record on.

    Raises:
        ControlError: Kafka didn't take it everywhere.
    """
    record = rules_record(rule_set)
    _keep(kafka, RULES + rule_set.digest, record)
    _append(kafka, topics.TYPE_RULES, record, range(kafka.partitions))


def order_override(kafka: Kafka, order: Order) -> None:
    """Keep an order of an override (or that it is revoked), then make it hold in every partition.

    Raises:
        ControlError: Kafka didn't take it everywhere.
    """
    record, key = override_record(order), f"{OVERRIDE}{order.override.tenant}/{order.override.id}"
    if order.revoked:
        # In this order: what the list says is over has to be over.
        _append(kafka, topics.TYPE_OVERRIDE, record, range(kafka.partitions))
        _keep(kafka, key, record)
    else:
        _keep(kafka, key, record)
        _append(kafka, topics.TYPE_OVERRIDE, record, range(kafka.partitions))


def promote(kafka: Kafka, promotion: Promotion) -> None:
    """Have a trace kept.

    Raises:
        ControlError: Kafka didn't take it.
    """
    partition = topics.partition_of(promotion.key[:16], kafka.partitions)
    _append(kafka, topics.TYPE_PROMOTION, promotion_record(promotion), [partition])


def skip(kafka: Kafka, partition: int, offset: int) -> None:
    """From now on no worker reads this record of `otlp.v1`.

    Raises:
        ControlError: Kafka didn't take it.
    """
    _keep(kafka, f"{SKIP}{partition}/{offset}", orjson.dumps({"partition": partition, "offset": offset}))


def applied_rules(kafka: Kafka) -> list[RuleSet]:
    """Every rule set that was ever applied, the latest last."""
    return [rule_set for _, rule_set in _kept(kafka, RULES, read_rules)]


def overrides(kafka: Kafka) -> list[Order]:
    """Every override that was ever ordered, as it stands."""
    return list(dict(_kept(kafka, OVERRIDE, read_override)).values())


def last_steering(kafka: Kafka) -> Steering:
    """What steers decisions, as far as it was ordered."""
    rules = applied_rules(kafka)
    return Steering(rules[-1].digest if rules else "", overrides_at(kafka, time.time_ns() // 1_000_000))


def overrides_at(kafka: Kafka, at_ms: int) -> tuple[Override, ...]:
    """The overrides that were in force at a moment."""
    steering = Steering()
    for order in overrides(kafka):
        if order.holds_at(at_ms):
            steering = steering.with_override(order.override)
    return steering.overrides


def skipped(kafka: Kafka, partition: int) -> set[int]:
    """The offsets of a partition that no worker reads."""
    places = (key.split("/") for key, _ in _kept(kafka, SKIP, orjson.loads))
    return {int(offset) for number, offset in places if int(number) == partition}


def _keep(kafka: Kafka, key: str, value: bytes) -> None:
    """Write to the control topic."""
    _send(kafka, topics.CONTROL.name(kafka.namespace), value, [0], f"the control topic didn't take {key}", key=key)


def _append(kafka: Kafka, kind: str, value: bytes, partitions: Iterable[int]) -> None:
    """Write a control record to partitions of `otlp.v1`."""
    headers: Any = [(topics.HEADER_TYPE, kind.encode())]
    name = topics.OTLP.name(kafka.namespace)
    _send(kafka, name, value, partitions, f"not every partition took the record of {kind}", headers=headers)


def _send(kafka: Kafka, topic: str, value: bytes, partitions: Iterable[int], failure: str, **more: Any) -> None:
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    producer = Producer(producer_settings(kafka, int(TIMEOUT_S * 1000), log_level=QUIET))
    for partition in partitions:
        producer.produce(topic, value, partition=partition, on_delivery=delivered, **more)
    left = producer.flush(TIMEOUT_S)
    if left or failed:
        raise ControlError(f"{failure}: {left + len(failed)} of its records weren't acknowledged {failed[:1]}")


def _kept(kafka: Kafka, kind: str, read: Callable[[bytes], Any]) -> list[tuple[str, Any]]:
    """What the control topic has of a kind: the rest of each key, and what is said; in the topic's order."""
    found: list[tuple[str, Any]] = []

    def take(message: Message) -> None:
        key, value = (message.key() or b"").decode(errors="replace"), message.value()
        if key.startswith(kind) and value:
            try:
                found.append((key.removeprefix(kind), read(value)))
            except (Malformed, ValueError) as error:
                log.warning(pairs("a control record can't be read", key=key, offset=message.offset(), why=error))

    read_from(kafka, topics.CONTROL.name(kafka.namespace), {0: 0}, take)
    return found
