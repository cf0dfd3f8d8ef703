"""What is a stream worker, apart from Faust? Records in, flushes out: here its pieces are put together.

A record is taken in its turn (`turns`), once its partition was taken over (`partitions`, `takeover`) and there is room
(`backlog`). It does what its kind says (`records`). What closes is decided and written (`deciding`) in flushes
(`flushes`). Where nothing comes any longer, ticks move the time on (`ticks`).
"""

from __future__ import annotations

import time
from collections.abc import Set
from functools import partial

from runtime.dead_letters import Headers, Record
from streams.backlog import Backlog
from streams.deciding import Deciding
from streams.flushes import Commit, Flushes
from streams.gauges import Gauges
from streams.lag import EndOf, Lag
from streams.letters import Letters
from streams.log import bring_back, oldest_offset
from streams.outputs import Outputs
from streams.partitions import Partitions
from streams.records import Records, handlers
from streams.takeover import Takeover
from streams.ticks import Ticks
from streams.turns import Seek, Turns
from tracemill import topics
from tracemill.config import Config
from tracemill.evaluation.flush import Flush
from tracemill.evaluation.judge import RuleBook


class Worker:
    """Everything of a stream worker that isn't Faust; lives in one event loop."""

    def __init__(self, config: Config, outputs: Outputs, commit: Commit, seek: Seek, end_of: EndOf) -> None:
        kafka, rules = config.kafka, RuleBook()
        self._source = topics.OTLP.name(kafka.namespace)
        letters = Letters(outputs.dead_letter, config.dead_letters.content)
        self._partitions = Partitions(Takeover(config, rules, outputs.mark_takeover, outputs.tick, letters))
        self._turns = Turns(partial(oldest_offset, kafka), seek)
        self._records = Records(handlers(rules), letters)
        self._backlog = Backlog()
        flush = Flush(rules, config.assembly.memory_horizon_ms)
        decide = Deciding(self._source, partial(bring_back, kafka), flush.run, outputs.write, letters)
        self._flushes = Flushes(self._partitions, self._backlog, decide, outputs.write_blocks, commit, config.streams)
        self._ticks = Ticks(self._partitions, outputs.tick)
        self._lag = Lag(self._partitions, end_of)
        self.gauges = Gauges(self._partitions, self._backlog, self._lag)

    def assigned(self, partitions: Set[int]) -> None:
        """These partitions, and no others, are ours from now on."""
        self._partitions.assign(partitions)

    def why_not_ready(self) -> str | None:
        """What has to happen before this worker can be said to work, or None."""
        return self._partitions.why_not_ready()

    async def feed(self, partition: int, offset: int, append_ms: int, headers: Headers, value: bytes) -> None:
        """Take the next record of a partition; waits while too much closed is still unwritten."""
        ours = await self._partitions.get(partition)
        if ours is None or not await self._turns.is_next(ours, offset, time.monotonic()):
            return
        ours.read_through_ms = append_ms
        await self._backlog.room()
        ours.read_at = time.monotonic()
        self._records.take(ours, Record(self._source, partition, offset, append_ms, headers, value))
        self._backlog.add(ours.collect())

    async def flush_forever(self) -> None:
        """Flush whatever closed, again and again."""
        await self._flushes.forever()

    async def tick_forever(self) -> None:
        """Append a tick where the wall clock says that something is due and everything has been read."""
        await self._ticks.forever(self._lag.is_at_end)

    async def look_forever(self) -> None:
        """Note how far everything has been read."""
        await self._lag.forever()
