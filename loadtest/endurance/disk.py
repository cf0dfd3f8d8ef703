"""How much disk does each topic take, and is `otlp.v1` still whole?"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from loadtest.reread.log import SourceLog
from tracemill import topics
from tracemill.config import Config

_BLOCK_BYTES: Final = 512
"""The unit of `st_blocks`, whatever the file system's is."""


def topic_bytes(config: Config) -> dict[str, int]:
    """What the partitions of each topic take of an embedded Kafka's disk, by the topic's short name."""
    kafka = config.embedded.data_dir / "kafka"
    return {topic.short: _taken(kafka, topic.name(config.kafka.namespace)) for topic in topics.ALL}


def is_whole(config: Config) -> bool:
    """Whether `otlp.v1` begins with its first record in every partition."""
    return not any(SourceLog(config.kafka).first)


def _taken(kafka: Path, topic: str) -> int:
    """Of the disk: Kafka gives its index files a size long before it fills them."""
    files = (file for partition in kafka.rglob(f"{topic}-*") for file in partition.iterdir())
    return sum(file.stat().st_blocks * _BLOCK_BYTES for file in files)
