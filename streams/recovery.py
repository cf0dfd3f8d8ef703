"""How does a worker that takes a partition over get at its past? From the commit, `decisions.v1` and the log."""

from __future__ import annotations

import logging
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition

from runtime.control import last_steering
from runtime.kafka import ADMIN_TIMEOUT_S, consumer_settings, fetch_records, offset_at, read_from
from runtime.logs import pairs
from streams import metrics
from streams.log import bundles_at, oldest_offset
from tracemill import topics
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.restart import Past
from tracemill.assembly.trace import Anchor
from tracemill.config import Config
from tracemill.sampling.history import History
from tracemill.sampling.steering import Steering

log = logging.getLogger(__name__)

MARGIN_MS = 60_000
"""Read so much more of `decisions.v1` than the horizon, because its records were written after what they decide."""


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
    start = past.start(committed, lambda: _last_steering(config, partition))
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


def _last_steering(config: Config, partition: int) -> Steering:
    """What was ordered last, for a partition of which the log no longer has the record that ordered it."""
    if oldest_offset(config.kafka, partition) == 0:
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
    """Read the blocks since the horizon before the committed record was appended; all where nothing is committed."""
    since = 0
    if committed is not None:
        source = topics.OTLP.name(config.kafka.namespace)
        near = fetch_records(config.kafka, source, partition, [committed, committed - 1])
        newest = near[max(near)].timestamp()[1] if near else 0
        since = newest - config.assembly.memory_horizon_ms - MARGIN_MS
    topic = topics.DECISIONS.name(config.streams.output_namespace or config.kafka.namespace)
    start = offset_at(config.kafka, topic, partition, since)
    if start is not None:
        read_from(config.kafka, topic, {partition: start}, lambda message: past.take(message.value() or b""))
