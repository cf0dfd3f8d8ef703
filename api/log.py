"""How does the API write? Scores and control records, acknowledged before the answer; what blocks is on threads."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

from confluent_kafka import KafkaException

from api.problems import Problem, Trouble, away
from runtime import control, decided
from runtime.control import ControlError
from runtime.decided import Beginnings, Reach
from runtime.logs import pairs
from runtime.outbox import Outbox
from tracemill import topics
from tracemill.assembly.trace import Decided
from tracemill.config import Config
from tracemill.control.overrides import Order
from tracemill.control.promotions import Promotion
from tracemill.sampling import RuleSet
from tracemill.scores import Score, score_record

_LOG = logging.getLogger("api.log")

T = TypeVar("T")
Change = Callable[[Sequence[Order]], Order]
"""What is to be ordered, given all orders as they stand."""

LOOKING_UP: Final = 2
WAITING: Final = 32
"""Decisions that are looked up at once, a second and some CPU each, and those that may wait for it."""
_NS_PER_MS: Final = 1_000_000


class Log(Protocol):
    """Whoever takes orders. Every method raises a `Problem` where Kafka doesn't answer."""

    async def order(self, change: Change, now_ms: int) -> Order:
        """Make an override hold in every partition, or end there; one order after the other."""

    async def orders(self) -> list[Order]:
        """Every override that was ordered, of all tenants, as it stands; those that ended long ago may be missing."""

    async def score(self, score: Score) -> None:
        """Write a score down."""

    async def promote(self, promotion: Promotion) -> None:
        """Have a trace kept."""

    def remembered(self, opened_ns: int, now_ns: int) -> bool:
        """Whether the workers know by themselves what they decided about a trace that was opened then."""

    async def decided(self, key: bytes, first: int) -> Decided | None:
        """What a trace was decided with last; `first` is the offset of its first record."""

    async def reach(self, trace_id: bytes) -> Reach:
        """How far back the log of a trace's partition goes, or went a second ago."""

    async def rules(self) -> RuleSet | None:
        """The rule set that was applied last."""


class KafkaLog:
    """The log as it is. For one event loop."""

    def __init__(self, config: Config) -> None:
        self._kafka = config.kafka
        self._horizon_ms = config.assembly.memory_horizon_ms
        self._outbox = Outbox(config.kafka)
        self._beginnings = Beginnings(config.kafka)
        self._ordering = asyncio.Lock()
        self._slots = asyncio.Semaphore(LOOKING_UP)
        self._waiting = 0

    async def order(self, change: Change, now_ms: int) -> Order:
        """See `Log.order`. What ended long ago is forgotten by the way."""
        async with self._ordering:
            known = await self.orders()
            order = change(known)
            await self._ask(lambda: control.order_override(self._outbox, order))
            over = [one for one in known if one.forgotten_at(now_ms)]
            await self._ask(lambda: control.forget_overrides(self._outbox, over))
            return order

    async def orders(self) -> list[Order]:
        """See `Log.orders`."""
        return await self._ask(lambda: control.overrides(self._kafka))

    async def score(self, score: Score) -> None:
        """See `Log.score`."""
        partition = topics.partition_of(bytes.fromhex(score.trace_id), self._kafka.partitions)
        topic = topics.SCORES.name(self._kafka.namespace)
        await self._answered(asyncio.wrap_future(self._outbox.send(topic, score_record(score), partition)))

    async def promote(self, promotion: Promotion) -> None:
        """See `Log.promote`."""
        await self._answered(asyncio.wrap_future(control.promote(self._outbox, promotion)))

    def remembered(self, opened_ns: int, now_ns: int) -> bool:
        """See `Log.remembered`. They remember by log time, which may differ: half of the time is believed."""
        return now_ns - opened_ns < self._horizon_ms * _NS_PER_MS // 2

    async def decided(self, key: bytes, first: int) -> Decided | None:
        """See `Log.decided`."""
        if self._waiting >= WAITING:
            raise away(f"{WAITING} older traces are looked up already: send it again in a second", Trouble.BUSY)
        self._waiting += 1
        try:
            async with self._slots:
                return await self._ask(lambda: decided.find_decided(self._kafka, key, first))
        finally:
            self._waiting -= 1

    async def reach(self, trace_id: bytes) -> Reach:
        """See `Log.reach`."""
        partition, now_s = topics.partition_of(trace_id, self._kafka.partitions), time.monotonic()
        if known := self._beginnings.known(partition, now_s):
            return known
        return await self._ask(lambda: self._beginnings.of(partition, now_s))

    async def rules(self) -> RuleSet | None:
        """See `Log.rules`."""
        applied = await self._ask(lambda: control.applied_rules(self._kafka))
        return applied[-1] if applied else None

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.to_thread(self._outbox.close)

    async def _ask(self, work: Callable[[], T]) -> T:
        return await self._answered(asyncio.to_thread(work))

    @staticmethod
    async def _answered(asked: Awaitable[T]) -> T:
        try:
            return await asked
        except (KafkaException, ControlError, TimeoutError, BufferError) as error:
            raise _away(error) from error


def _away(error: Exception) -> Problem:
    _LOG.warning(pairs("Kafka doesn't answer the API", why=error))
    detail = (
        "the log can't be reached, or didn't answer in time: see that Kafka is up. What was ordered may be in force in "
        "part: look at the list before you order it again. Feedback may be sent again"
    )
    return away(detail, Trouble.LOG_AWAY)
