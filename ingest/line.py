"""What stands between a request and the log in a process? Admission, intake, bundler, producer, and their end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from ingest.admission import Admission
from ingest.broker import BrokerWatch
from ingest.bundler import Bundler
from ingest.intake import Intake
from ingest.log import KafkaLog
from runtime.logs import pairs
from tracemill.config import Config

_LOG = logging.getLogger(__name__)

_FLUSH_S: Final = 3.0
_LAST_LINGER_S: Final = 0.005


class Line:
    """The parts that a process has once, wired."""

    def __init__(self, config: Config) -> None:
        self.admission = Admission(config.ingest.in_flight_bytes)
        self._watch = BrokerWatch(config, self.admission)
        self.log = KafkaLog(config, self._watch)
        self._watch.producer = self.log.producer
        self._bundler = Bundler(self.log, config.ingest.linger_ms / 1_000, config.ingest.bundle_bytes)
        self.intake = Intake(config, self.admission, self._bundler)

    async def open(self) -> None:
        """Wait for Kafka and let requests in.

        Raises:
            ConfigError: a topic isn't as configured.
        """
        await self._watch.open()

    @asynccontextmanager
    async def closing(self) -> AsyncIterator[None]:
        """Around the wait for requests in flight: nothing lingers any more; then wait for the broker."""
        flushing = asyncio.create_task(self._flush_often())
        try:
            yield
        finally:
            flushing.cancel()
            self._bundler.flush()
            self._watch.close()
            left = await self.log.close(_FLUSH_S)
            if left:
                _LOG.warning(pairs("stopped before Kafka acknowledged all: clients send it again", records=left))

    async def _flush_often(self) -> None:
        while True:
            self._bundler.flush()
            await asyncio.sleep(_LAST_LINGER_S)
