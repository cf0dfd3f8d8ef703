"""A partition and its workers: killed, stopped, resumed, and held to what must be true after every step.

Beside them an independent reader goes through the same log, and tells what had to come of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from loadtest.reader.assembly import Reader
from loadtest.reader.decisions import Decided
from tests.simulation import expected, outcome
from tests.simulation.log import Log
from tests.simulation.promises import Promises
from tests.simulation.rules import JUDGES
from tests.simulation.topics import FencedError, Topics
from tests.simulation.worker import Worker
from tests.simulation.workload import NOW_MS, Draft, Tick
from tracemill.config import Assembly


@dataclass
class Process:
    """A worker and the flush that it is in the middle of."""

    worker: Worker
    writing: Iterator[str] | None = None


class Partition:
    """Its log, its topics, one worker that has it, and others that had it and don't know that they lost it.

    `seen` counts what happened, by its name. With `loses` its log may lose what is still needed; then only the commit
    is what it would be without.
    """

    def __init__(self, limits: Assembly, loses: bool = False) -> None:
        self.limits = limits
        self.log = Log()
        self.topics = Topics(self.log)
        self.seen: Counter[str] = Counter()
        self.owner: Process | None = None
        self.zombies: list[Process] = []
        self._loses = loses
        self._reader = Reader(limits)
        self._promises = Promises(self.topics, self._reader)

    # ---- what happens ------------------------------------------------------------------------------------------

    def append(self, draft: Draft, step_ms: int) -> None:
        """A record is appended to the log, so much later than the one before it by the broker's clock."""
        times = self._reader.log_times
        now_ms = times[-1] + max(0, step_ms) if times else NOW_MS + step_ms
        entry = draft.entry(self.log, (self.log.clock_ms or NOW_MS) + step_ms, now_ms)
        self.log.entries.append(entry)
        broken = [(one.key, one.size) for one in entry.broken]
        judge = JUDGES[entry.rules.digest] if entry.rules else None
        self._reader.record(entry.append_ms, entry.plain, broken, judge)

    def start(self) -> None:
        """A worker takes the partition over; the one that had it goes on, and doesn't know."""
        if self.owner:
            self.zombies.append(self.owner)
        self.owner = Process(Worker(self.limits, self.topics))
        assert self._loses or self.owner.worker.lost == []
        self._count(self.owner.worker)
        start = self.topics.group.committed or 0
        self.seen["shadows"] += sum(cause >= start for cause in self._promises.decided.values())

    def crash(self) -> None:
        """The worker is killed."""
        self.owner = None

    def feed(self, process: Process, count: int) -> None:
        """A worker reads so many records, or to the end."""
        for _ in range(count):
            process.worker.feed()

    def flush(self, process: Process, steps: int | None = None) -> None:
        """A worker goes on with its flush, or begins one: so many steps, or to its end."""
        process.writing, taken = process.writing or process.worker.flush(), 0
        try:
            for _ in islice(process.writing, steps):
                taken += 1
                self.check()
        except FencedError:
            self.seen["fenced"] += 1
            self.zombies.remove(process)
        else:
            if steps is None or taken < steps:
                process.writing = None
        self._count(process.worker)

    def retain(self) -> None:
        """What nobody needs any longer goes from the log and from the decisions; who slept so long is dead."""
        self.zombies.clear()
        oldest = max(self.log.oldest, self._first_needed())
        gone = max(self.topics.gone, self.topics.first_needed(self.limits))
        self.seen["records gone"] += oldest - self.log.oldest
        self.seen["decisions gone"] += gone - self.topics.gone
        self.log.oldest, self.topics.gone = oldest, gone

    def spoil(self, which: int, value: bytes) -> None:
        """A record of the decisions that is needed becomes another; zombies are dead by then."""
        self.check()
        self.zombies.clear()
        self.topics.spoil(self.limits, which, value)
        self._promises.may_fall = True

    def check(self) -> None:
        """What must be true after every step."""
        if not self._loses:
            self._promises.check()

    def drain(self) -> None:
        """Ticks until everything has closed, and one worker that reads and writes all that is left."""
        wait_ms = max(self.limits.max_age_ms, self.limits.max_idle_ms, self.limits.carry_after_ms)
        for _ in range(2):
            self.append(Tick(), wait_ms)
        if not self.owner:
            self.start()
        assert self.owner
        self.flush(self.owner)
        self.feed(self.owner, len(self.log))
        self.flush(self.owner)
        self.check()
        assert self.topics.group.committed == len(self.log)

    # ---- what came of it ---------------------------------------------------------------------------------------

    def verify(self) -> list[Decided]:
        """All of it is what one worker writes that nobody interrupts, and what the independent reader tells."""
        decided = self._reader.decided
        assert outcome.latest_revisions(self.topics) == expected.latest_revisions(decided)
        assert outcome.signalled(self.topics) == expected.signalled(decided)
        assert outcome.stored(self.topics) == expected.stored(decided)
        found, alone = outcome.outcome(self.topics), outcome.outcome(self._uninterrupted())
        assert outcome.decided_rows(found) == expected.decided_rows(decided)
        assert found.decisions == alone.decisions
        assert (found.spans, found.traces) == (alone.spans, alone.traces)
        assert (found.signals, found.letters) == (alone.signals, alone.letters)
        self._name(decided)
        return decided

    def _uninterrupted(self) -> Topics:
        """What one worker writes that reads everything and then flushes once."""
        topics = Topics(Log(self.log.entries))
        worker = Worker(self.limits, topics)
        while worker.feed():
            pass
        for _ in worker.flush():
            pass
        return topics

    # ---- what is counted ---------------------------------------------------------------------------------------

    def _count(self, worker: Worker) -> None:
        self.seen += worker.seen
        worker.seen.clear()

    def _name(self, decided: list[Decided]) -> None:
        for one in decided:
            self.seen[one.closed.closed_by] += 1
            self.seen["late"] += one.closed.late
            self.seen["beyond"] += one.closed.beyond
            self.seen["promoted"] += one.moved and one.verdict.keep
            self.seen["only repeated"] += one.closed.late and not one.closed.fresh
            self.seen[one.verdict.policy] += 1
        generations = {(one.closed.key, one.closed.opened_at) for one in decided}
        self.seen["forgotten"] += len(generations) - len({key for key, _ in generations})

    def _first_needed(self) -> int:
        """The first record that belongs to something that is open at the commit, or is remembered there."""
        commit, times = self.topics.group.committed or 0, self._reader.log_times
        now = times[commit - 1] if commit else 0
        remembered = now - self.limits.max_age_ms - self.limits.memory_horizon_ms
        needed = [commit, *(one.closed.opened_with for one in self._reader.decided if one.closed.at >= remembered)]
        needed += [at for at in range(commit) if times[at] >= now - self.limits.max_age_ms]
        return min(needed)
