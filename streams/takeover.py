"""How does a worker take a partition over? It learns what was decided before, says that it begins, and knows the rules.

Where worker after worker began and none got any further, a record there ends them: before the next one begins, each
record is tried by itself, and what a process died of is set aside for good.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from runtime.control import applied_rules, skip, skipped
from runtime.dead_letters import Record
from runtime.logs import pairs
from runtime.outbox import Outbox
from streams import metrics
from streams.letters import Letters
from streams.log import bundles_at
from streams.partitions import Partition
from streams.recovery import Recovered, recover
from streams.trial import killers
from tracemill import topics
from tracemill.assembly.trace import Anchor
from tracemill.config import Config
from tracemill.errors import Malformed, Reason
from tracemill.evaluation.judge import RuleBook

log = logging.getLogger(__name__)

TAKEOVERS: Final = 3
"""So many workers may begin at a commit before its records are tried one by one."""

AGAIN: Final = "decisions can't be read: what was decided since the ones before them is decided again"
IN_PART: Final = (
    "decisions can't be read, and the log doesn't reach back to them: it is read again from its oldest record, "
    "and late spans of what was decided before that open new traces"
)

Mark = Callable[[int, Anchor, int | None], None]
"""Writes down that a worker begins to read a partition there, and which decisions it makes again.

Returns when that is acknowledged; see `tracemill.assembly.blocks.takeover`.
"""


class Takeover:
    """Takes partitions over as `streams.partitions.TakeOver`; what blocks runs on threads.

    Args:
        config: the worker's.
        rules: gets those that were applied before.
        mark: writes the mark of a takeover.
        tick: appends one to a partition.
        letters: for what can't be read, or ends workers.
    """

    def __init__(
        self, config: Config, rules: RuleBook, mark: Mark, tick: Callable[[int], None], letters: Letters
    ) -> None:
        self._config = config
        self._rules = rules
        self._mark = mark
        self._tick = tick
        self._letters = letters

    async def __call__(self, number: int) -> Partition:
        """The partition as it was at the group's commit.

        Raises:
            Exception: Kafka doesn't answer, or holds something that this release can't read.
        """
        began = time.monotonic()
        found = await asyncio.to_thread(recover, self._config, number)
        assembler, memory, history, start = found[:4]
        skips = await asyncio.to_thread(skipped, self._config.kafka, number)
        if found.takeovers >= TAKEOVERS:
            skips |= await asyncio.to_thread(self._set_aside, number, start.offset, skips)
        self._tell_unreadable(number, found)
        await asyncio.to_thread(self._mark, number, start, found.again)
        if found.before_commit:
            self._tick(number)  # is ahead of its turn, so that reading turns back also where nothing else comes
        if assembler.rules not in self._rules:
            for rule_set in await asyncio.to_thread(applied_rules, self._config.kafka):
                self._rules.add(rule_set)
        now = time.monotonic()
        metrics.TAKEOVER_SECONDS.observe(now - began)
        log.info(
            pairs(
                "took over a partition",
                partition=number,
                offset=assembler.next_offset,
                remembered=len(memory),
                open=assembler.open_count,
                seconds=round(now - began, 2),
            )
        )
        through_ms = assembler.append_ms or time.time() * 1000
        return Partition(number, assembler, memory, history, skips, assembler.next_offset, now, through_ms)

    def _tell_unreadable(self, number: int, found: Recovered) -> None:
        for record, why in found.unreadable:
            self._letters.write(record, why)
        if found.unreadable:
            log.error(pairs(IN_PART if found.again is None else AGAIN, partition=number, offset=found.start.offset))

    def _set_aside(self, number: int, first: int, known: set[int]) -> set[int]:
        """Find what ended the workers that began at `first`, and set it aside for all to come; its offsets."""
        log.warning(pairs("workers didn't get beyond a commit, records are tried one by one", partition=number))
        kafka = self._config.kafka
        found = {offset for offset in killers(self._config, number, first) if offset not in known}
        with Outbox(kafka) as outbox:
            for offset in found:
                skip(outbox, number, offset)
                bundle = bundles_at(kafka, number, [offset])[offset]
                headers = [(topics.HEADER_INDEX, bundle.index)]
                record = Record(topics.OTLP.name(kafka.namespace), number, offset, -1, headers, bundle.value)
                text = f"{TAKEOVERS} workers ended after they had begun to read here"
                self._letters.write(record, Malformed(Reason.KILLED_WORKER, text))
        return found
