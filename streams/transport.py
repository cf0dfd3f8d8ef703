"""How long may a fetch wait at the broker? Faust says 1.5 s, and doesn't let one choose.

A fetch that is under way leaves out the partitions whose records weren't consumed yet when it was sent. What comes to
one of those meanwhile waits until that fetch is back: with 1.5 s, a tick read a second late.
"""

from __future__ import annotations

from typing import Any, Final

import aiokafka
import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

FETCH_WAIT_MS: Final = 100


class _Thread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer


class _Consumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(Transport):
    Consumer = _Consumer


class App(faust.App):
    """A Faust app whose fetches come back soon."""

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)
