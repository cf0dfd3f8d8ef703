"""A partition in memory: its log, what was written, and workers that can be stopped at any point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from runtime.dead_letters import Record
from streams.records import BUNDLE, handlers
from tracemill import topics
from tracemill.assembly import blocks
from tracemill.assembly.excerpt import Bundle, pieces_of
from tracemill.assembly.restart import Past
from tracemill.assembly.told import Told
from tracemill.assembly.trace import Anchor, Closing
from tracemill.config import Assembly
from tracemill.evaluation.flush import Batch, Flush
from tracemill.evaluation.judge import RuleBook
from tracemill.evaluation.output import Output
from tracemill.sampling import KEEP_EVERYTHING, RuleSet
from tracemill.sampling.steering import Steering

Logged = tuple[int, bytes, bytes] | tuple[int, bytes, bytes, str]
"""Append time in milliseconds, value, index and kind; without a kind a bundle, or a tick if it has no index either."""


@dataclass
class Written:
    """What a partition's workers left behind."""

    blocks: list[bytes] = field(default_factory=list)
    commit: int | None = None
    outputs: list[Output] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        """All rows of all blocks, in the order of the topic."""
        return [row for value in self.blocks for row in blocks.read(value).rows.to_pylist()]


class Worker:
    """A worker of one partition, over lists instead of topics."""

    def __init__(self, limits: Assembly, log: list[Logged], written: Written, rules: RuleSet = KEEP_EVERYTHING) -> None:
        self._log, self._written = log, written
        book = RuleBook()
        book.add(rules)
        self._handlers = handlers(book)
        self._flush = Flush(book, limits.memory_horizon_ms)
        told = Told()
        for offset, value in enumerate(written.blocks if written.commit is not None else []):
            told.take(offset, value)
        start = told.start(written.commit, lambda: 0, lambda: Steering(rules.digest))
        past = Past(told.blocks)
        self.assembler, self._memory = past.restart(limits, start, self._bundles_at)
        self._history = past.history(limits.memory_horizon_ms, 1.0)
        self.position = written.commit or 0

    def feed(self) -> bool:
        """Read one record; False at the end of the log."""
        if self.position >= len(self._log):
            return False
        append_ms, value, index, *kinds = self._log[self.position]
        kind = kinds[0] if kinds else BUNDLE if index else topics.TYPE_TICK
        record = Record(topics.OTLP.name(), 0, self.position, append_ms, [(topics.HEADER_INDEX, index)], value)
        self._handlers[kind](self.assembler, record)
        self.position += 1
        return True

    def flush(self, stop_after: str = "", meanwhile: int = 0) -> None:
        """Write what closed; `stop_after` names the step after which the worker is killed.

        So many records are read `meanwhile`, once while the flush is decided and once while it is written.
        """
        events = self.assembler.take()
        for event in events:
            if isinstance(event, Closing) and event.decided.pieces is None:
                self._bring_back(event)
        output = self._flush.run([Batch(0, events, self._history)])[0]
        self._written.outputs.append(output)
        self._feed(meanwhile)
        if stop_after == "outputs":
            return
        anchor: Anchor = self.assembler.release(events)
        table = blocks.SCHEMA.empty_table() if output.block is None else output.block
        self._written.blocks.append(blocks.write(table, anchor))
        self._feed(meanwhile)
        if stop_after == "block":
            return
        if output.told:
            self._memory.add([closing.trace.key for closing in output.told], pa.concat_tables(output.decided))
        self.assembler.settle(events)
        self._written.commit = anchor.offset

    def _feed(self, count: int) -> None:
        for _ in range(count):
            self.feed()

    def _bundles_at(self, offsets: set[int]) -> dict[int, Bundle]:
        return {offset: Bundle(offset, *self._log[offset][1:3]) for offset in offsets}

    def _bring_back(self, closing: Closing) -> None:
        earlier = closing.decided.records[: len(closing.decided.records) - len(closing.trace.records)]
        found = self._bundles_at(set(earlier))
        pieces = [piece for offset in earlier for piece in pieces_of(closing.trace.key, found[offset])[0]]
        closing.decided.pieces = pieces + closing.trace.pieces
