"""How does a worker that takes a partition over get at its past? From the commit, `decisions.v1` and the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition

from runtime.control import last_steering
from runtime.dead_letters import Record
from runtime.kafka import ADMIN_TIMEOUT_S, consumer_settings
from runtime.logs import pairs
from streams import metrics
from streams.decisions import Decisions
from streams.log import bundles_at, oldest_offset
from tracemill import topics
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.restart import Past
from tracemill.assembly.told import recall
from tracemill.assembly.trace import Anchor
from tracemill.config import Config
from tracemill.errors import Malformed
from tracemill.sampling.history import History
from tracemill.sampling.steering import Steering

log = logging.getLogger(__name__)


class Recovered(NamedTuple):
    """A partition as it was at the group's commit, or before, and how many workers began there before.

    Before, where records of `decisions.v1` are `unreadable`; `again` is what `tracemill.assembly.told` says.
    """

    assembler: Assembler
    memory: Memory
    history: History
    start: Anchor
    takeovers: int
    unreadable: Sequence[tuple[Record, Malformed]]
    again: int | None
    before_commit: bool


def recover(config: Config, partition: int) -> Recovered:
    """A partition as it was at the group's committed offset. Blocks."""
    committed, decisions = _committed(config, partition), Decisions(config, partition)
    told, start = recall(
        committed,
        decisions.since_ms,
        decisions.read,
        partial(oldest_offset, config.kafka, partition),
        lambda: _last_steering(config, partition, committed),
    )
    past = Past(told.blocks)
    assembler, memory = past.restart(
        config.assembly, start, lambda offsets: bundles_at(config.kafka, partition, offsets)
    )
    history = past.history(config.assembly.memory_horizon_ms, 1 / config.kafka.partitions)
    _tell_lost(partition, past.lost)
    unreadable = decisions.unreadable if told.has_gap else []
    before = start.offset < (committed or 0)
    return Recovered(assembler, memory, history, start, told.takeovers(start), unreadable, told.again, before)


def _tell_lost(partition: int, lost: Sequence[bytes]) -> None:
    if lost:
        metrics.TRACES_LOST.inc(len(lost))
        log.error(
            pairs(
                "open traces are lost: the log was removed before they were finished; raise its retention",
                partition=partition,
                traces=len(lost),
                first=lost[0][:16].hex(),
            )
        )


def _last_steering(config: Config, partition: int, committed: int | None) -> Steering:
    """What was ordered last, for a partition that won't be told by the log, because it is read from behind it."""
    if committed is None and oldest_offset(config.kafka, partition) == 0:
        return Steering()
    return last_steering(config.kafka)


def _committed(config: Config, partition: int) -> int | None:
    consumer = Consumer(consumer_settings(config.kafka, config.streams.group))
    try:
        place = TopicPartition(topics.OTLP.name(config.kafka.namespace), partition)
        offset = consumer.committed([place], timeout=ADMIN_TIMEOUT_S)[0].offset
    finally:
        consumer.close()
    return offset if offset >= 0 else None
