"""How does a worker that takes a partition over get at its past? From the commit, `decisions.v1` and the log."""

from __future__ import annotations

import logging
from typing import NamedTuple

from confluent_kafka import Consumer, Message, TopicPartition

from runtime.control import last_steering
from runtime.kafka import ADMIN_TIMEOUT_S, consumer_settings, fetch_records, offset_at, read_from
from runtime.logs import pairs
from streams import metrics
from streams.log import bundles_at, oldest_offset
from tracemill import topics
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.restart import Past, since_ms
from tracemill.assembly.trace import Anchor
from tracemill.config import Config
from tracemill.sampling.history import History
from tracemill.sampling.steering import Steering

log = logging.getLogger(__name__)

MARGIN_MS = 60_000
"""Read so much more of `decisions.v1` than was remembered: clocks are set while nothing is appended that shows it."""


class Recovered(NamedTuple):
    """A partition as it was at the group's commit, and how many workers began there before."""

    assembler: Assembler
    memory: Memory
    history: History
    start: Anchor
    takeovers: int


def recover(config: Config, partition: int) -> Recovered:
    """A partition as it was at the group's committed offset. Blocks."""
    committed = _committed(config, partition)
    past = Past()
    _read_past(config, partition, committed, past)
    start = past.start(committed, lambda: _last_steering(config, partition, committed))
    assembler, memory = past.restart(
        config.assembly, start, lambda offsets: bundles_at(config.kafka, partition, offsets)
    )
    history = past.history(config.assembly.memory_horizon_ms, 1 / config.kafka.partitions)
    if past.lost:
        metrics.TRACES_LOST.inc(len(past.lost))
        log.error(
            pairs(
                "open traces are lost: the log was removed before they were finished; raise its retention",
                partition=partition,
                traces=len(past.lost),
                first=past.lost[0][:16].hex(),
            )
        )
    return Recovered(assembler, memory, history, start, past.takeovers(committed))


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


def _read_past(config: Config, partition: int, committed: int | None, past: Past) -> None:
    """Read the blocks that tell of what was open or remembered at the commit; all where nothing is committed."""
    topic = topics.DECISIONS.name(config.streams.output_namespace or config.kafka.namespace)
    start = offset_at(config.kafka, topic, partition, _since_ms(config, partition, committed))
    if start is not None:
        read_from(config.kafka, topic, {partition: start}, lambda message: past.take(message.value() or b""))


def _since_ms(config: Config, partition: int, committed: int | None) -> int:
    """Since when blocks are read; 0 where the log no longer has the record before the commit.

    Not since the record at the commit: it may have come hours after the one before it.
    """
    if committed is None:
        return 0
    kafka = config.kafka
    before = fetch_records(kafka, topics.OTLP.name(kafka.namespace), partition, [committed - 1])
    newest = _newest_block(config, partition)
    if not before or newest is None:
        return 0
    clocks_ms = (before[committed - 1].timestamp()[1], newest.timestamp()[1])
    return max(since_ms(config.assembly, *clocks_ms) - MARGIN_MS, 0)


def _newest_block(config: Config, partition: int) -> Message | None:
    topic = topics.DECISIONS.name(config.streams.output_namespace or config.kafka.namespace)
    consumer = Consumer(consumer_settings(config.kafka, "tracemill-reader"))
    try:
        end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ADMIN_TIMEOUT_S)[1]
    finally:
        consumer.close()
    return fetch_records(config.kafka, topic, partition, [end - 1]).get(end - 1)
