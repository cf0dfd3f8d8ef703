"""The sink as a process of its own, against the servers that a test gives it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from runtime.kafka import consumer_settings, ensure_topics, producer_settings, read_from
from tests.fixtures.ports import own_port
from tests.fixtures.waiting import PATIENCE_S
from tracemill import topics
from tracemill.config import Config

ROOT = Path(__file__).parents[2]
_RUN = (
    "import pathlib, sys; from sinks.app import run; from tracemill.config import parse; "
    "run(parse(pathlib.Path(sys.argv[1]).read_text()))"
)


def sink_config(kafka: str, store: str, namespace: str, **sinks: Any) -> Config:
    """Four partitions a topic; the database is called like the namespace."""
    return Config.model_validate(
        {
            "kafka": {"bootstrap": kafka, "namespace": namespace, "partitions": 4},
            "store": {"url": store, "database": namespace},
            "sinks": {"metrics_port": own_port(), "group": f"{namespace}-sinks", **sinks},
        }
    )


class Sink:
    """One process; start it again after it was killed to go on where it stopped."""

    def __init__(self, config: Config, directory: Path) -> None:
        self.config = config
        self._file = directory / f"{config.sinks.metrics_port}.json"
        self._file.write_text(config.model_dump_json())
        self.log = directory / f"{config.sinks.metrics_port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it may not be ready yet."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-c", _RUN, str(self._file)], stderr=log, cwd=ROOT)

    def kill(self) -> None:
        """kill -9."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of one of its health server's pages; status 0 while nobody answers."""
        url = f"http://127.0.0.1:{self.config.sinks.metrics_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""


class Log:
    """Records written as the stream job would."""

    def __init__(self, config: Config) -> None:
        ensure_topics(config.kafka)
        self._namespace = config.kafka.namespace
        self._producer = Producer(producer_settings(config.kafka, int(PATIENCE_S * 1000)))

    def spans(self, value: bytes, partition: int = 0, at_ms: int = 0) -> None:
        """One record of `spans.v1`, written at a time, or now."""
        self._producer.produce(topics.SPANS.name(self._namespace), value, partition=partition, timestamp=at_ms)

    def traces(self, value: bytes, partition: int = 0, at_ms: int = 0) -> None:
        """One record of `traces.v1`, written at a time, or now."""
        self._producer.produce(topics.TRACES.name(self._namespace), value, partition=partition, timestamp=at_ms)

    def scores(self, value: bytes, partition: int = 0, at_ms: int = 0) -> None:
        """One record of `scores.v1`, written at a time, or now."""
        self._producer.produce(topics.SCORES.name(self._namespace), value, partition=partition, timestamp=at_ms)

    def flush(self) -> None:
        """All of it is acknowledged."""
        assert self._producer.flush(PATIENCE_S) == 0


def uncommitted(config: Config) -> int:
    """Records that a sink which starts now would read."""
    names = (topic.name(config.kafka.namespace) for topic in topics.STORED)
    places = [TopicPartition(name, number) for name in names for number in range(config.kafka.partitions)]
    consumer = Consumer(consumer_settings(config.kafka, config.sinks.group))
    try:
        done = consumer.committed(places, timeout=PATIENCE_S)
        ends = [consumer.get_watermark_offsets(place, timeout=PATIENCE_S)[1] for place in places]
    finally:
        consumer.close()
    return sum(end - max(place.offset, 0) for end, place in zip(ends, done, strict=True))


def dead_letters(config: Config) -> list[dict[str, Any]]:
    """What is on `dead-letters.v1` now."""
    letters: list[dict[str, Any]] = []

    def keep(message: Message) -> None:
        letters.append(json.loads(message.value() or b""))

    read_from(config.kafka, topics.DEAD_LETTERS.name(config.kafka.namespace), {0: 0}, keep)
    return letters
