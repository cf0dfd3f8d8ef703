"""How does a worker belong to its consumer group? Where Faust and aiokafka decide otherwise, and don't let one choose.

- A fetch waits at the broker for 1.5 s. While it is under way it leaves out the partitions whose records weren't
  consumed yet when it was sent, so that a tick is read a second late. Here a fetch comes back soon.
- A member with an instance id keeps its place when it dies: started again in time, it goes on where it was, and no
  other member hears of it. aiokafka keeps the place on SIGTERM too, and all others would wait for a worker that
  doesn't come back. Here a worker that is asked to stop leaves.
- A member whose instance id another one has joined with isn't told so. aiokafka joins again, the other one is put out,
  and so on without end. Here who has lost its place ends.
- A partition that was lost in a rebalance is known to the consumer's thread before the worker hears of it. Asked for
  its highwater or for a commit, Faust fails.
- What keeps a consumer out of its group for good waits to be asked for, and Faust never asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import aiokafka
import faust
from aiokafka.protocol.group import JoinGroupRequest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP

from streams.ending import end
from streams.lag import End

FETCH_WAIT_MS: Final = 100


class _Thread(AIOKafkaConsumerThread):
    _has_joined = False

    def _create_worker_consumer(self, transport: Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        self._coordinator._push_error_to_user = self._excluded

    async def on_thread_stop(self) -> None:
        if self._consumer is not None:
            self._coordinator._group_instance_id = None
        await super().on_thread_stop()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._has_joined = True
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Before each joining: who has lost its place has no member id any longer."""
        instance = self._coordinator._group_instance_id
        if instance and self._has_joined and self._coordinator.member_id == JoinGroupRequest.UNKNOWN_MEMBER_ID:
            end(
                "this worker has lost its place in the consumer group: it stood still for longer than "
                "streams.session_timeout_ms, or another worker has the same streams.instance; give each its own",
                instance=instance,
                group=self._coordinator.group_id,
            )
        await super().on_partitions_revoked(revoked)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Whether there is nothing more to commit; what isn't ours any longer is left out."""
        ours = self.assignment()
        still = {place: offset for place, offset in offsets.items() if place in ours}
        return await super()._commit(still) if still else True

    def highwater(self, tp: TP) -> int | None:
        try:
            return super().highwater(tp)
        except (AssertionError, AttributeError):
            return None

    async def crash(self, reason: BaseException) -> None:
        if not self.app.should_stop:
            end("the consumer fails", why=repr(reason))

    async def _excluded(self, error: Exception) -> None:
        if not self.app.should_stop:
            end("this worker can't be in its consumer group", why=repr(error))

    @property
    def _coordinator(self) -> Any:
        return self._ensure_consumer()._coordinator


class _Consumer(Consumer):
    def end_of(self, place: TP) -> End | None:
        """What is known of a partition's end, on any thread; None while that is nothing."""
        try:
            consumer = self._thread._ensure_consumer()
            at_ms, offset = consumer.last_poll_timestamp(place), consumer.highwater(place)
        except (AssertionError, AttributeError):
            return None
        return None if offset is None else End(offset, at_ms)

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(Transport):
    Consumer = _Consumer


class App(faust.App):
    """A Faust app whose workers join, leave and read as this module says; what it can't handle ends the process."""

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)

    async def crash(self, reason: BaseException) -> None:
        if not self.should_stop:
            end("the app fails", why=repr(reason))
