"""How is a log read once more, by so many workers, into topics of their own? Until all is decided up to a cut.

What a record causes is a function of the records up to it. So two runs that have decided everything up to a cut can
be compared there, whatever was appended meanwhile: by clients, or by workers that found something due at the end of
the log (ticks). The first run chooses the cut: it reads to the end that the log had, and on until all that it holds
open there has closed. Every later run reads up to that cut; its commit says when all before is decided and written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from loadtest.commands import CommandFailed
from loadtest.reread.log import Offsets, SourceLog
from loadtest.reread.plan import Run
from loadtest.reread.workers import StreamWorker, running
from runtime.kafka import ADMIN_TIMEOUT_S, QUIET, client_settings, ensure_topics
from tracemill import topics

Say = Callable[[str], None]

POLL_S: Final = 0.5
SAY_EVERY_S: Final = 5.0
STILL_S: Final = 2.5
"""Nothing is open when nobody says otherwise for so long: a worker tells it once a second."""
STALL_S: Final = 180.0
"""Reading has stopped when no commit has moved for so long, and for as long as a trace may be open in silence."""
_GONE: Final = (KafkaError.GROUP_ID_NOT_FOUND, KafkaError.UNKNOWN_TOPIC_OR_PART)
KEPT_BYTES: Final = 1 << 60
"""Of the topics of a run: everything, whatever is configured."""


class StalledError(CommandFailed):
    """The workers don't get on; the last lines that one of them said are in the text."""


@contextmanager
def own_topics(run: Run, keep: bool, say: Say) -> Iterator[None]:
    """Make the topics of a run, and remove them and its group at the end of the block, unless they are kept."""
    ensure_topics(run.config.kafka.model_copy(update={"retained_bytes": KEPT_BYTES}), namespace=run.output)
    try:
        yield
    finally:
        if keep:
            say(f"{run.name}: kept {run.output}.*")
        else:
            _remove(run, say)


def _remove(run: Run, say: Say) -> None:
    admin = AdminClient(client_settings(run.config.kafka, log_level=QUIET))
    asked = admin.delete_topics([topic.name(run.output) for topic in topics.ALL])
    asked |= admin.delete_consumer_groups([run.config.streams.group])
    for name, future in asked.items():
        try:
            future.result(ADMIN_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() not in _GONE:
                say(f"{name} couldn't be removed: {error.args[0].str()}")


class Replay:
    """Reads `log` as `run` says."""

    def __init__(self, run: Run, log: SourceLog, directory: Path, say: Say) -> None:
        self._run = run
        self._log = log
        self._directory = directory
        self._say = say
        self._began_s = self._said_s = time.monotonic()

    def read(self, cut: Offsets | None) -> Offsets:
        """Run the workers until everything before `cut` is decided, or, without one, choose it; the cut.

        Raises:
            WorkerEndedError: a worker ended.
            StalledError: they don't get on.
            LogMovedError: the log lost its beginning meanwhile.
        """
        self._directory.mkdir()
        with running(self._run.config, self._run.workers, self._directory) as workers:
            self._read_to(cut or self._log.end, workers)
            cut = cut or self._settle(workers)
            self._tell_shares([worker.records() for worker in workers])
        self._log.check_whole()
        return cut

    def _read_to(self, target: Offsets, workers: list[StreamWorker]) -> None:
        first, moved_s, before = self._log.first, time.monotonic(), -1
        total = sum(target) - sum(first)
        while True:
            at = self._committed(workers)
            done = sum(min(pair) for pair in zip(at, target, strict=True)) - sum(first)
            self._progress(f"{done / total:.1%} of {total:,} records decided")
            if done >= total:
                return
            if done > before:
                moved_s, before = time.monotonic(), done
            elif time.monotonic() - moved_s > STALL_S + self._run.config.assembly.max_age_ms / 1000:
                raise StalledError(f"{self._run.name}: stalls at {at} of {target}:\n{workers[0].last_lines()}")
            time.sleep(POLL_S)

    def _settle(self, workers: list[StreamWorker]) -> Offsets:
        """Go on until nothing is open any longer; where others append meanwhile, for as long as a trace may be."""
        limit_s = time.monotonic() + self._run.config.assembly.max_age_ms / 1000
        busy_s = time.monotonic()
        while True:
            at, left = self._committed(workers), [worker.open_traces() for worker in workers]
            now_s = time.monotonic()
            if at != self._log.ends() or any(count != 0 for count in left):
                busy_s = now_s
            if now_s - busy_s > STILL_S or now_s > limit_s:
                return at
            self._progress("waiting until what is open at the end has closed")
            time.sleep(POLL_S)

    def _tell_shares(self, records: list[int]) -> None:
        shares, took_s = " + ".join(f"{count:,}" for count in records), time.monotonic() - self._began_s
        self._say(f"{self._run.name}: all decided after {took_s:.0f} s; records read: {shares}")
        if idle := records.count(0):
            self._say(f"{self._run.name}: {idle} of them had joined only when the log, a short one, was read")

    def _committed(self, workers: list[StreamWorker]) -> Offsets:
        for worker in workers:
            worker.check()
        return self._log.committed(self._run.config.streams.group)

    def _progress(self, text: str) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s > SAY_EVERY_S:
            self._said_s = now_s
            self._say(f"{self._run.name}: {text}, {now_s - self._began_s:.0f} s")
