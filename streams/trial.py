"""Which record ends the workers that read it? Each is tried by itself, in a process that may die of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from confluent_kafka import Message

from runtime.kafka import read_from
from streams.log import index_of
from tracemill import topics
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.trace import Anchor
from tracemill.bundles import BundleError
from tracemill.config import Config
from tracemill.evaluation.flush import Flush
from tracemill.evaluation.judge import RuleBook

TRIAL_S: Final = 120.0


def killers(config: Config, partition: int, first: int) -> Iterator[int]:
    """Offsets of the records from `first` to the end as it is now that a process dies of, in order. Blocks."""
    while True:
        command = [sys.executable, "-m", "streams.trial", str(partition), str(first)]
        try:
            done = subprocess.run(
                command, input=config.model_dump_json(), capture_output=True, text=True, timeout=TRIAL_S
            )
            tried, ended = done.stdout.split(), done.returncode == 0
        except subprocess.TimeoutExpired as hung:
            tried, ended = (hung.stdout or b"").decode().split(), False
        if ended or not tried:
            return
        first = int(tried[-1]) + 1
        yield int(tried[-1])


def try_all(config: Config, partition: int, first: int) -> None:
    """Assemble and decide each bundle by itself; its offset is printed before."""
    flush = Flush(RuleBook().judge, config.assembly.memory_horizon_ms)

    def one(offset: int, value: bytes, index: bytes) -> None:
        sys.stdout.write(f"{offset}\n")
        sys.stdout.flush()
        assembler = Assembler(config.assembly, Memory(1), Anchor(offset, 0, 0, ""))
        try:
            assembler.feed_bundle(offset, 0, value, index)
        except BundleError:
            return  # the worker sets it aside without harm
        assembler.feed_tick(offset + 1, config.assembly.max_age_ms + 1)
        flush.run([(partition, assembler.take())])

    def bundles_only(message: Message) -> None:
        index = index_of(message.headers())
        if index:
            one(message.offset(), message.value() or b"", index)

    read_from(config.kafka, topics.OTLP.name(config.kafka.namespace), {partition: first}, bundles_only, TRIAL_S)


if __name__ == "__main__":
    try_all(Config.model_validate_json(sys.stdin.read()), int(sys.argv[1]), int(sys.argv[2]))
