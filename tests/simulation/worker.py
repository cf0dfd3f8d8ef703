"""A stream worker that stops wherever one likes: the real one's pieces, over a log and topics in memory.

Only Kafka is another: what is read from it, what is written to it, and its event loop, which goes on by steps.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial

from streams.backlog import Backlog
from streams.deciding import Batches, Deciding
from streams.flushes import Flushes
from streams.letters import Letters
from streams.partitions import Partition
from streams.records import Records, handlers
from tests.builders.assigned import assigned
from tests.simulation.stepping import Work, works
from tests.simulation.topics import Producer, Topics
from tracemill import topics as names
from tracemill.assembly import blocks
from tracemill.assembly.excerpt import bring_back
from tracemill.assembly.restart import Past
from tracemill.assembly.told import recall
from tracemill.config import Assembly, Streams
from tracemill.evaluation.flush import Flush
from tracemill.evaluation.judge import RuleBook
from tracemill.evaluation.output import Output


class Worker:
    """A worker that has just taken the partition over.

    Whoever drops it has killed it. `outputs` is what its flushes decided, `lost` the open traces of which the log had
    nothing any longer; `seen` counts what it did that others don't see.
    """

    def __init__(self, limits: Assembly, topics: Topics, rules: RuleBook | None = None) -> None:
        self._topics, self._generation = topics, topics.group.join()
        self.seen: Counter[str] = Counter()
        self.outputs: list[Output] = []
        self._producer = Producer(topics)
        rules = rules or RuleBook()
        self.ours = self._take_over(limits, rules)
        letters = Letters(self._producer.dead_letter, content=False)
        self._records, self._backlog = Records(handlers(rules), letters), Backlog()
        flush = Flush(rules, limits.memory_horizon_ms)
        decide = Deciding(names.OTLP.name(), self._bring_back, flush.run, self._write, letters)
        partitions = asyncio.run(assigned(self.ours))
        self._flushes = Flushes(partitions, self._backlog, decide, self._producer.write_blocks, self._commit, Streams())

    def _take_over(self, limits: Assembly, rules: RuleBook) -> Partition:
        topics, log = self._topics, self._topics.log
        told, start = recall(topics.group.committed, partial(topics.since_ms, limits), topics.told, lambda: log.oldest)
        past = Past(told.blocks)
        assembler, memory = past.restart(limits, start, log.bundles_at)
        history = past.history(limits.memory_horizon_ms, share=1.0)
        self.lost = past.lost
        self.seen["carried over a restart"] += assembler.open_count
        self.seen["decided again"] += told.again is not None
        self.seen["decided again in part"] += told.has_gap and told.again is None
        self._topics.decide(blocks.takeover(start, told.again))
        if assembler.rules not in rules:
            for rule_set in log.rule_sets():
                rules.add(rule_set)
        return Partition(0, assembler, memory, history, frozenset(), assembler.next_offset, 0.0, 0.0)

    def feed(self) -> bool:
        """Read one record; False at the end of the log. What is gone from the log is passed over."""
        log = self._topics.log
        offset = max(self.ours.assembler.next_offset, log.oldest)
        if offset >= len(log):
            return False
        self._records.take(self.ours, log.record(offset))
        self._backlog.add(self.ours.collect())
        return True

    def flush(self) -> Iterator[str]:
        """Decide and write what closed, and commit: goes on by a step each time that it is asked to.

        Raises:
            FencedError: another worker has joined, and the group takes no commit of this one any longer.
        """
        waiting = works(self._flushes.flush())
        answer = None
        while True:
            try:
                work: Work = waiting.send(answer)
            except StopIteration:
                return
            yield "waits"
            answer = work.call()
            yield from self._producer.deliver()

    async def _commit(self, offsets: Mapping[int, int]) -> None:
        for offset in offsets.values():
            await Work(lambda offset=offset: self._topics.group.commit(self._generation, offset))

    def _bring_back(self, batches: Batches) -> int:
        read = sum(bring_back(batch.events, self._topics.log.bundles_at) for batch in batches)
        self.seen["brought back from the log"] += read
        return read

    def _write(self, outputs: list[Output]) -> None:
        self.outputs += outputs
        self._producer.write(outputs)
