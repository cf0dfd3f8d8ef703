"""Which topics are there, who owns their partitions, and how are they kept? The one table of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal
from zlib import crc32

NAMESPACE: Final = "tracemill"
RECORD_BYTES: Final = 4 * 1024 * 1024
"""The largest record on any topic, before compression."""

HEADER_TYPE: Final = "type"
HEADER_INDEX: Final = "index"
TYPE_TICK: Final = "tick"
TYPE_RULES: Final = "rules"
TYPE_OVERRIDE: Final = "override"
TYPE_PROMOTION: Final = "promotion"

_HOUR_MS: Final = 3_600_000

Partitioning = Literal["source", "one"]
"""`source`: as many partitions as `otlp`, a record stays in its trace's partition. `one`: one partition."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic's short name, its partitioning, its retention and its share of the bytes kept in all."""

    short: str
    version: int
    partitioning: Partitioning
    cleanup: Literal["delete", "compact"]
    retention_ms: int
    share: float
    log_append_time: bool = False
    settings: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def name(self, namespace: str = NAMESPACE) -> str:
        """The topic's full name, e.g. `tracemill.otlp.v1`."""
        return f"{namespace}.{self.short}.v{self.version}"

    def config(self, retained_bytes: int, partitions: int, min_insync_replicas: int) -> dict[str, str]:
        """Broker-side settings. `retained_bytes` is for all topics together, over all their partitions."""
        config = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(RECORD_BYTES + 128 * 1024),
            "min.insync.replicas": str(min_insync_replicas),
            "unclean.leader.election.enable": "false",
            **self.settings,
        }
        if self.cleanup == "delete":
            per_partition = int(retained_bytes * self.share / (partitions if self.partitioning == "source" else 1))
            config |= {
                "retention.ms": str(self.retention_ms),
                "retention.bytes": str(max(per_partition, 2 * RECORD_BYTES)),
                "segment.bytes": str(max(min(per_partition // 4, 512 * 1024 * 1024), 2 * RECORD_BYTES)),
            }
        if self.log_append_time:
            config["message.timestamp.type"] = "LogAppendTime"
        return config


OTLP: Final = Topic("otlp", 1, "source", "delete", 24 * _HOUR_MS, 0.44, log_append_time=True)
DECISIONS: Final = Topic("decisions", 1, "source", "delete", 24 * _HOUR_MS, 0.10, log_append_time=True)
SPANS: Final = Topic("spans", 1, "source", "delete", 72 * _HOUR_MS, 0.30)
TRACES: Final = Topic("traces", 1, "source", "delete", 72 * _HOUR_MS, 0.06)
SIGNALS: Final = Topic("signals", 1, "source", "delete", 72 * _HOUR_MS, 0.06)
SCORES: Final = Topic("scores", 1, "source", "delete", 72 * _HOUR_MS, 0.02)
CONTROL: Final = Topic("control", 1, "one", "compact", -1, 0.0)
DEAD_LETTERS: Final = Topic("dead-letters", 1, "one", "delete", 168 * _HOUR_MS, 0.02)

ALL: Final = (OTLP, DECISIONS, SPANS, TRACES, SIGNALS, SCORES, CONTROL, DEAD_LETTERS)
STORED: Final = (SPANS, TRACES, SCORES)
"""Those that the store is filled from."""


def partition_count(topic: Topic, partitions: int) -> int:
    """How many partitions `topic` has where `otlp` has `partitions`."""
    return partitions if topic.partitioning == "source" else 1


def partition_of(trace_id: bytes, partitions: int) -> int:
    """The partition of a trace: CRC-32 of its 16-byte id modulo the count.

    Every producer uses this and hands Kafka the number, because default partitioners differ between clients. It
    shares nothing with the last 56 bits by value, which decide about sampling.
    """
    return crc32(trace_id) % partitions
