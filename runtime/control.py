"""How does a command reach the partitions it concerns, and how is it found again? By control records and their topic.

A key of `control.v1` says what its record is: `rules/<hash>`, `override/<tenant>/<id>` or `skip/<partition>/<offset>`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import Any

import orjson
from confluent_kafka import Message

from runtime.kafka import read_from
from runtime.logs import pairs
from runtime.outbox import Outbox
from tracemill import topics
from tracemill.config import Kafka
from tracemill.control.overrides import Order, override_record, read_override
from tracemill.control.promotions import Promotion, promotion_record
from tracemill.control.rules import read_rules, rules_record
from tracemill.errors import Malformed
from tracemill.sampling import RuleSet
from tracemill.sampling.steering import Override, Steering

log = logging.getLogger(__name__)

RULES, OVERRIDE, SKIP = "rules/", "override/", "skip/"


class ControlError(RuntimeError):
    """A command didn't reach every partition; sent again it does no harm."""


def apply_rules(outbox: Outbox, rule_set: RuleSet) -> None:
    """Keep a rule set, then make it hold in every partition from its next record on.

    Raises:
        ControlError: Kafka didn't take it everywhere.
    """
    record = rules_record(rule_set)
    _keep(outbox, RULES + rule_set.digest, record)
    _append(outbox, topics.TYPE_RULES, record)


def order_override(outbox: Outbox, order: Order) -> None:
    """Keep an order of an override (or that it is revoked), then make it hold in every partition.

    Raises:
        ControlError: Kafka didn't take it everywhere.
    """
    record, key = override_record(order), _key_of(order)
    if order.revoked:
        # In this order: what the list says is over has to be over.
        _append(outbox, topics.TYPE_OVERRIDE, record)
        _keep(outbox, key, record)
    else:
        _keep(outbox, key, record)
        _append(outbox, topics.TYPE_OVERRIDE, record)


def forget_overrides(outbox: Outbox, orders: Iterable[Order]) -> None:
    """Let the control topic lose orders of overrides that have ended: no worker reads them any longer.

    Raises:
        ControlError: Kafka didn't take it.
    """
    for order in orders:
        _keep(outbox, _key_of(order), None)


def promote(outbox: Outbox, promotion: Promotion) -> Future[int]:
    """Have a trace kept; see `Outbox.send`."""
    kafka = outbox.kafka
    partition = topics.partition_of(promotion.key[:16], kafka.partitions)
    headers = [(topics.HEADER_TYPE, topics.TYPE_PROMOTION.encode())]
    return outbox.send(topics.OTLP.name(kafka.namespace), promotion_record(promotion), partition, headers=headers)


def skip(outbox: Outbox, partition: int, offset: int) -> None:
    """From now on no worker reads this record of `otlp.v1`.

    Raises:
        ControlError: Kafka didn't take it.
    """
    _keep(outbox, f"{SKIP}{partition}/{offset}", orjson.dumps({"partition": partition, "offset": offset}))


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


def _key_of(order: Order) -> str:
    return f"{OVERRIDE}{order.override.tenant}/{order.override.id}"


def _keep(outbox: Outbox, key: str, value: bytes | None) -> None:
    """Write to the control topic; None for what it is to lose."""
    sent = outbox.send(topics.CONTROL.name(outbox.kafka.namespace), value, 0, key=key)
    _insist([sent], f"the control topic didn't take {key}")


def _append(outbox: Outbox, kind: str, value: bytes) -> None:
    """Write a control record to every partition of `otlp.v1`."""
    name, headers = topics.OTLP.name(outbox.kafka.namespace), [(topics.HEADER_TYPE, kind.encode())]
    sent = [outbox.send(name, value, number, headers=headers) for number in range(outbox.kafka.partitions)]
    _insist(sent, f"not every partition took the record of {kind}")


def _insist(sent: Iterable[Future[int]], failure: str) -> None:
    done, _ = wait(sent)
    errors = [error for each in done if (error := each.exception())]
    if errors:
        raise ControlError(f"{failure}: {len(errors)} of its records weren't acknowledged: {errors[0]}") from errors[0]


def _kept(kafka: Kafka, kind: str, read: Callable[[bytes], Any]) -> list[tuple[str, Any]]:
    """What the control topic has of a kind: the rest of each key, and what is said; in the topic's order."""
    found: list[tuple[str, Any]] = []

    def take(message: Message) -> None:
        key, value = (message.key() or b"").decode(errors="replace"), message.value()
        if not key.startswith(kind):
            return
        name = key.removeprefix(kind)
        if not value:
            found[:] = [one for one in found if one[0] != name]
            return
        try:
            found.append((name, read(value)))
        except (Malformed, ValueError) as error:
            log.warning(pairs("a control record can't be read", key=key, offset=message.offset(), why=error))

    read_from(kafka, topics.CONTROL.name(kafka.namespace), {0: 0}, take)
    return found
