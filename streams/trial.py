"""Which record ends the workers that read it? Each is tried by itself, in a process that may die of it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
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
from tracemill.evaluation.flush import Batch, Flush
from tracemill.evaluation.judge import RuleBook
from tracemill.sampling.history import History

RECORD_S: Final = 120.0
"""A record that takes longer stands still for good."""
READ_S: Final = 900.0
TRIED_BYTES: Final = 256 * 1024 * 1024
"""More than a worker reads before it first commits: what ended the others lies in the first so many."""
BEGUN, DONE = "begun", "done"


class TrialError(RuntimeError):
    """Records couldn't be tried, for a reason that is none of theirs; nothing is known of them."""


def killers(config: Config, partition: int, first: int) -> Iterator[int]:
    """Offsets of the records from `first` that a process dies of, in order. Blocks.

    Raises:
        TrialError: a trial ended between two records, e.g. because no broker answers.
    """
    while (culprit := _try(config, partition, first)) is not None:
        yield culprit
        first = culprit + 1


def _try(config: Config, partition: int, first: int) -> int | None:
    """The record at which one more process ended, None when it tried them all."""
    command = [sys.executable, "-m", "streams.trial", str(partition), str(first)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as trial:
        assert trial.stdin
        trial.stdin.write(config.model_dump_json())
        trial.stdin.close()
        begun = _watch(trial)
    if trial.returncode == 0:
        return None
    if begun is None:
        raise TrialError(f"partition {partition}: the trial of its records ended with {trial.returncode}")
    return begun


def _watch(trial: subprocess.Popen[str]) -> int | None:
    """The record that was begun and not done when the process ended, or was ended because it stood still."""
    assert trial.stdout
    begun: int | None = None
    while True:
        timer = threading.Timer(RECORD_S if begun is not None else READ_S, trial.kill)
        timer.start()
        line = trial.stdout.readline()
        timer.cancel()
        if not line:
            return begun
        word, offset = line.split()
        begun = int(offset) if word == BEGUN else None


class _Enough(Exception):
    """What could have ended a worker was tried."""


def try_all(config: Config, partition: int, first: int) -> None:
    """Assemble and decide each bundle by itself, and say on standard output which is begun and which is done."""
    flush = Flush(RuleBook(), config.assembly.memory_horizon_ms)
    tried_bytes = 0

    def one(message: Message) -> None:
        nonlocal tried_bytes
        index, value, offset = index_of(message.headers()), message.value() or b"", message.offset() or 0
        if not index:
            return
        _say(BEGUN, offset)
        _decide(flush, config, partition, offset, value, index)
        _say(DONE, offset)
        tried_bytes += len(value)
        if tried_bytes > TRIED_BYTES:
            raise _Enough

    with suppress(_Enough):
        read_from(config.kafka, topics.OTLP.name(config.kafka.namespace), {partition: first}, one, READ_S)


def _say(word: str, offset: int) -> None:
    sys.stdout.write(f"{word} {offset}\n")
    sys.stdout.flush()


def _decide(flush: Flush, config: Config, partition: int, offset: int, value: bytes, index: bytes) -> None:
    assembler = Assembler(config.assembly, Memory(1), Anchor(offset, 0, 0))
    try:
        assembler.feed_bundle(offset, 0, value, index)
    except BundleError:
        return  # the worker sets it aside without harm
    assembler.feed_tick(offset + 1, config.assembly.max_age_ms + 1)
    flush.run([Batch(partition, assembler.take(), History(0))])


if __name__ == "__main__":
    try_all(Config.model_validate_json(sys.stdin.read()), int(sys.argv[1]), int(sys.argv[2]))
