"""How does the API write? Control records into the log, acknowledged before the answer; what blocks is on threads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

from confluent_kafka import KafkaException

from api.problems import Trouble, away
from runtime import control, decided
from runtime.control import ControlError
from runtime.decided import Reach
from runtime.logs import pairs
from tracemill import topics
from tracemill.assembly.trace import Decided
from tracemill.config import Kafka
from tracemill.control.overrides import Order
from tracemill.control.promotions import Promotion
from tracemill.sampling import RuleSet

_LOG = logging.getLogger("api.log")

T = TypeVar("T")


class Log(Protocol):
    """Whoever takes orders. Every method raises a `Problem` where Kafka doesn't answer."""

    async def order(self, order: Order) -> None:
        """Make an override hold in every partition, or end there."""

    async def orders(self) -> list[Order]:
        """Every override that was ever ordered, of all tenants, as it stands."""

    async def promote(self, promotion: Promotion) -> None:
        """Have a trace kept."""

    async def decided(self, key: bytes, first: int) -> Decided | None:
        """What a trace was decided with last; `first` is the offset of its first record."""

    async def reach(self, trace_id: bytes) -> Reach:
        """How far back the log of a trace's partition goes."""

    async def rules(self) -> RuleSet | None:
        """The rule set that was applied last."""


class KafkaLog:
    """The log as it is."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    async def order(self, order: Order) -> None:
        await self._ask(lambda: control.order_override(self._kafka, order))

    async def orders(self) -> list[Order]:
        return await self._ask(lambda: control.overrides(self._kafka))

    async def promote(self, promotion: Promotion) -> None:
        await self._ask(lambda: control.promote(self._kafka, promotion))

    async def decided(self, key: bytes, first: int) -> Decided | None:
        return await self._ask(lambda: decided.find_decided(self._kafka, key, first))

    async def reach(self, trace_id: bytes) -> Reach:
        partition = topics.partition_of(trace_id, self._kafka.partitions)
        return await self._ask(lambda: decided.oldest_record(self._kafka, partition))

    async def rules(self) -> RuleSet | None:
        applied = await self._ask(lambda: control.applied_rules(self._kafka))
        return applied[-1] if applied else None

    @staticmethod
    async def _ask(work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except (KafkaException, ControlError, TimeoutError) as error:
            _LOG.warning(pairs("Kafka doesn't answer the API", why=error))
            detail = (
                "the log can't be reached, or didn't answer in time: see that Kafka is up. What was ordered may be in "
                "force in part: look at the list before you order it again"
            )
            raise away(detail, Trouble.LOG_AWAY) from error
