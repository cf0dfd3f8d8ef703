"""What does a worker hold, and in which order does it act? Records in, flushes out, one partition like the other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from runtime.control import applied_rules, skip, skipped
from runtime.dead_letters import Record, dead_letter
from runtime.logs import pairs
from streams import metrics
from streams.log import bring_back, bundles_at, index_of, oldest_offset
from streams.outputs import Outputs
from streams.recovery import recover
from streams.trial import killers
from tracemill import topics
from tracemill.assembly.assembler import Assembler
from tracemill.assembly.memory import Memory
from tracemill.assembly.trace import Closing, Event
from tracemill.bundles import BundleError
from tracemill.config import Config
from tracemill.control import read_rules
from tracemill.errors import Malformed, Reason
from tracemill.evaluation.flush import Flush, Output
from tracemill.evaluation.judge import RuleBook

log = logging.getLogger(__name__)

Commit = Callable[[Mapping[int, int]], Awaitable[None]]
"""Commits offsets by partition; what isn't assigned any longer is left out."""

Headers = list[tuple[str, bytes]]

Seek = Callable[[int, int], Awaitable[None]]
"""Makes a partition's next record the one at an offset."""

SEEK_PAUSE_S: Final = 1.0
TAKEOVERS: Final = 3
"""So many workers may begin at a commit before its records are tried one by one."""

MANY_TRACES: Final = 250
"""A flush of more is a sign of load: the next one may wait, because large flushes cost less a span."""

TICK_PAUSE_S: Final = 0.25
TICK_MARGIN_MS: Final = 5
SHORTEST_WAIT_MS: Final = 100
"""A partition in which something came so lately needs no tick yet: what comes next moves its time on."""

WAITING_BYTES: Final = 96 * 1024 * 1024
"""Closed but not flushed: above it no more records are taken."""


@dataclass(slots=True)
class Partition:
    """One assigned partition."""

    assembler: Assembler
    memory: Memory
    read_at: float
    committed: int
    skips: set[int]
    ticked_at: float = 0.0
    sought_at: float = 0.0
    append_ms: int = 0
    waiting_bytes: int = 0
    events: list[Event] = field(default_factory=list)


class Worker:
    """Everything of a stream worker that isn't Faust."""

    def __init__(self, config: Config, outputs: Outputs, commit: Commit, seek: Seek) -> None:
        self._config = config
        self._rules = RuleBook()
        self._flush = Flush(self._rules.judge, config.assembly.memory_horizon_ms)
        self._outputs = outputs
        self._commit = commit
        self._seek = seek
        self._partitions: dict[int, Partition] = {}
        self._recovering: dict[int, asyncio.Future[Partition]] = {}
        self._joined = False
        self._closed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    # ---- partitions --------------------------------------------------------------------------------------------

    def assigned(self, partitions: set[int]) -> None:
        """These partitions, and no others, are ours from now on."""
        self._joined = True
        for gone in (self._partitions.keys() | self._recovering.keys()) - partitions:
            self._drop(gone)
        for partition in partitions - self._partitions.keys() - self._recovering.keys():
            self._recovering[partition] = asyncio.ensure_future(self._recover(partition))

    def _drop(self, partition: int) -> None:
        self._partitions.pop(partition, None)
        task = self._recovering.pop(partition, None)
        if task is not None:
            task.cancel()
        for gauge in (metrics.OPEN, metrics.HELD, metrics.LAG):
            with suppress(KeyError):
                gauge.remove(str(partition))

    def why_not_ready(self) -> str | None:
        """What has to happen before this worker can be said to work, or None."""
        if not self._joined:
            return "hasn't joined its consumer group yet"
        return f"takes over the partitions {sorted(self._recovering)}" if self._recovering else None

    async def _recover(self, partition: int) -> Partition:
        began = time.monotonic()
        assembler, memory, start, takeovers = await asyncio.to_thread(recover, self._config, partition)
        skips = await asyncio.to_thread(skipped, self._config.kafka, partition)
        if takeovers >= TAKEOVERS:
            skips |= await asyncio.to_thread(self._try, partition, start.offset, skips)
        await asyncio.to_thread(self._outputs.mark_takeover, partition, start)
        if assembler.rules not in self._rules:
            for rule_set in await asyncio.to_thread(applied_rules, self._config.kafka):
                self._rules.add(rule_set)
        ours = Partition(assembler, memory, time.monotonic(), assembler.next_offset, skips)
        self._partitions[partition] = ours
        self._recovering.pop(partition, None)
        log.info(
            pairs(
                "took over a partition",
                partition=partition,
                offset=assembler.next_offset,
                remembered=len(memory),
                open=assembler.open_count,
                seconds=round(time.monotonic() - began, 2),
            )
        )
        return ours

    def _try(self, partition: int, first: int, known: set[int]) -> set[int]:
        """Workers have begun here again and again: find what ended them, and set it aside for all to come."""
        log.warning(pairs("workers didn't get beyond a commit, records are tried one by one", partition=partition))
        found = {offset for offset in killers(self._config, partition, first) if offset not in known}
        for offset in found:
            skip(self._config.kafka, partition, offset)
            bundle = bundles_at(self._config.kafka, partition, [offset])[offset]
            why = Malformed(Reason.KILLED_WORKER, f"{TAKEOVERS} workers ended after they had begun to read here")
            headers = [(topics.HEADER_INDEX, bundle.index)]
            self._dead_letter(partition, offset, -1, headers, bundle.value, why)
        return found

    # ---- records -----------------------------------------------------------------------------------------------

    async def feed(self, partition: int, offset: int, append_ms: int, headers: Headers, value: bytes) -> None:
        """Take the next record of a partition; waits while too much closed is still unwritten."""
        ours = self._partitions.get(partition)
        if ours is None:
            task = self._recovering.get(partition)
            if task is None:
                return
            ours = await asyncio.shield(task)
        if offset < ours.assembler.next_offset:
            return
        if offset > ours.assembler.next_offset and not await self._may_skip(ours, partition, offset):
            return
        if not self._room.is_set():
            await self._room.wait()
        ours.read_at, ours.append_ms = time.monotonic(), append_ms
        self._dispatch(ours, partition, offset, append_ms, headers, value)
        events = ours.assembler.take()
        if events:
            ours.events += events
            ours.waiting_bytes += sum(event.trace.size for event in events if isinstance(event, Closing))
            self._closed.set()
            if sum(each.waiting_bytes for each in self._partitions.values()) > WAITING_BYTES:
                self._room.clear()

    async def _may_skip(self, ours: Partition, partition: int, offset: int) -> bool:
        """Whether the records before `offset` are gone from the log; if they aren't, they are asked for again."""
        wanted = ours.assembler.next_offset
        oldest = await asyncio.to_thread(oldest_offset, self._config.kafka, partition)
        if oldest > wanted:
            if wanted:
                log.error(pairs("records are gone from the log", partition=partition, first=wanted, next=offset))
            return offset == oldest or await self._ask_again(ours, partition, oldest)
        return await self._ask_again(ours, partition, wanted)

    async def _ask_again(self, ours: Partition, partition: int, offset: int) -> bool:
        now = time.monotonic()
        if now - ours.sought_at > SEEK_PAUSE_S:
            ours.sought_at = now
            log.warning(pairs("a record is ahead of its turn", partition=partition, wanted=offset))
            await self._seek(partition, offset)
        return False

    def _dispatch(
        self, ours: Partition, partition: int, offset: int, append_ms: int, headers: Headers, value: bytes
    ) -> None:
        kind = next((body for name, body in headers if name == topics.HEADER_TYPE), b"")
        if offset in ours.skips:
            ours.assembler.feed_tick(offset, append_ms)
        elif not kind:
            metrics.RECORDS.labels("bundle").inc()
            try:
                ours.assembler.feed_bundle(offset, append_ms, value, index_of(headers))
            except BundleError as error:
                ours.assembler.feed_tick(offset, append_ms)
                why = Malformed(Reason.NOT_A_BUNDLE, str(error))
                self._dead_letter(partition, offset, append_ms, headers, value, why)
        elif kind == topics.TYPE_RULES.encode():
            metrics.RECORDS.labels("rules").inc()
            self._apply(ours, partition, offset, append_ms, headers, value)
        else:
            metrics.RECORDS.labels("tick").inc()
            ours.assembler.feed_tick(offset, append_ms)

    def _apply(
        self, ours: Partition, partition: int, offset: int, append_ms: int, headers: Headers, value: bytes
    ) -> None:
        """Rules that can't be read change nothing: those that held before go on to hold."""
        try:
            rule_set = read_rules(value)
        except Malformed as why:
            ours.assembler.feed_tick(offset, append_ms)
            self._dead_letter(partition, offset, append_ms, headers, value, why)
            return
        self._rules.add(rule_set)
        ours.assembler.feed_rules(offset, append_ms, rule_set.digest)
        log.info(pairs("rules apply", partition=partition, offset=offset, rules=rule_set.digest[:12]))

    def _dead_letter(
        self, partition: int, offset: int, append_ms: int, headers: Headers, value: bytes, why: Malformed
    ) -> None:
        source = topics.OTLP.name(self._config.kafka.namespace)
        record = Record(source, partition, offset, append_ms, headers, value)
        self._outputs.dead_letter(dead_letter(record, why, self._config.dead_letters.content))
        metrics.DEAD_LETTERS.labels(why.reason.value).inc()
        log.error(pairs("a record can't be read", partition=partition, offset=offset, reason=why.reason.value, why=why))

    # ---- flushes -----------------------------------------------------------------------------------------------

    async def flush_forever(self) -> None:
        """Flush whatever closed: at once when it is quiet, at most once in a while under load."""
        pause = self._config.streams.flush_idle_ms / 1000
        while True:
            with suppress(TimeoutError):  # nothing closed: the commit may still have to follow the ticks
                await asyncio.wait_for(self._closed.wait(), timeout=1.0)
            self._closed.clear()
            began = time.monotonic()
            busy = await self.flush() > MANY_TRACES
            took = time.monotonic() - began
            metrics.FLUSH.observe(took)
            self._gauge()
            pause = (self._config.streams.flush_load_ms if busy else self._config.streams.flush_idle_ms) / 1000
            await asyncio.sleep(max(0.0, pause - took))

    def _gauge(self) -> None:
        now_ms = time.time() * 1000
        for number, ours in self._partitions.items():
            metrics.OPEN.labels(str(number)).set(ours.assembler.open_count)
            metrics.HELD.labels(str(number)).set(ours.assembler.held_bytes)
            metrics.LAG.labels(str(number)).set(max(0.0, now_ms - ours.append_ms) / 1000 if ours.append_ms else 0.0)

    async def flush(self) -> int:
        """Decide and write what closed so far, in all partitions at once; then commit. How much closed."""
        taken = {number: (ours, ours.events) for number, ours in sorted(self._partitions.items())}
        for ours, _ in taken.values():
            ours.events, ours.waiting_bytes = [], 0
        self._room.set()
        batches = [(number, events) for number, (_, events) in taken.items() if events]
        outputs = await asyncio.to_thread(self._decide, batches) if batches else []
        anchors = {number: ours.assembler.release(events) for number, (ours, events) in taken.items()}
        told = {output.partition: output for output in outputs}
        moved = {number for number, anchor in anchors.items() if anchor.offset > taken[number][0].committed}
        written = [told.get(number) or Output(number) for number in sorted(moved | told.keys())]
        closed = sum(len(events) for _, events in batches)
        if not written:
            return closed
        await asyncio.to_thread(self._outputs.write_blocks, written, anchors)
        for output in outputs:
            self._remember(*taken[output.partition], output)
        ours_still = {number for number in moved if self._partitions.get(number) is taken[number][0]}
        await self._commit({number: anchors[number].offset for number in ours_still})
        for number in ours_still:
            taken[number][0].committed = anchors[number].offset
        return closed

    def _decide(self, batches: list[tuple[int, list[Event]]]) -> list[Output]:
        """On a thread of its own: read back, decide, write the outputs and wait for them."""
        metrics.READ_BACK.inc(bring_back(self._config.kafka, batches))
        outputs = self._flush.run(batches)
        for output in outputs:
            self._count(output)
            for closing, why in output.undecodable:
                self._give_up(output.partition, closing, why)
        self._outputs.write(outputs)
        return outputs

    def _count(self, output: Output) -> None:
        for reason, count in Counter(closing.closed_by for closing in output.told).items():
            metrics.CLOSED.labels(reason.value).inc(count)
        kept = sum(1 for closing in output.told if closing.decided.verdict and closing.decided.verdict.keep)
        metrics.DECISIONS.labels("keep").inc(kept)
        metrics.DECISIONS.labels("drop").inc(len(output.told) - kept)
        metrics.SPANS.inc(sum(len(table) for table in output.spans))

    def _give_up(self, partition: int, closing: Closing, why: str) -> None:
        """The spans of a trace that nobody can read."""
        value = b"".join(piece[0] for piece in closing.trace.pieces)
        self._dead_letter(partition, closing.trace.records[0], -1, [], value, Malformed(Reason.UNDECODABLE, why))

    def _remember(self, ours: Partition, events: list[Event], output: Output) -> None:
        if output.told:
            ours.memory.add([closing.trace.key for closing in output.told], pa.concat_tables(output.decided))
        ours.assembler.settle(events)
        ours.memory.forget(ours.assembler.now_ms)

    # ---- time --------------------------------------------------------------------------------------------------

    async def tick_forever(self, at_end: Callable[[int, int], bool]) -> None:
        """Append a tick where the wall clock says that something is due and everything has been read.

        Args:
            at_end: whether a partition has been read up to an offset and nothing lies beyond it.
        """
        while True:
            await asyncio.sleep(0.02)
            now = time.monotonic()
            for number, ours in self._partitions.items():
                waited_ms = (now - ours.read_at) * 1000
                if waited_ms < SHORTEST_WAIT_MS or now - ours.ticked_at < TICK_PAUSE_S:
                    continue
                due = ours.assembler.next_due() if at_end(number, ours.assembler.next_offset) else None
                if due is not None and waited_ms >= due + TICK_MARGIN_MS:
                    ours.ticked_at = now
                    self._outputs.tick(number)
