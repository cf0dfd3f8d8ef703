"""What is decided and written about everything that closed since the last flush? All partitions at once.

A flush is no part of any decision: cut the same events into other flushes, and the same rows come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tracemill.assembly.trace import Closing, Event, Verdict
from tracemill.decode.groups import Origins
from tracemill.decode.spans import UndecodableError
from tracemill.evaluation import block_rows, rows
from tracemill.evaluation.items import Decoded, Item, slices, turns
from tracemill.evaluation.judge import STALE, RuleBook
from tracemill.evaluation.output import Output
from tracemill.evaluation.rendering import render, tell, trace_table, with_verdicts
from tracemill.evaluation.verdicts import Arrived, Settled
from tracemill.sampling import Verdicts
from tracemill.sampling.history import History
from tracemill.schema import ROUTE_P95

Mask = npt.NDArray[np.bool_]

UNDECODABLE: Final = "undecodable"
"""The policy of a trace of which nothing could ever be read."""

_NS_PER_MS: Final = 1_000_000


class Batch(NamedTuple):
    """What closed in a partition, in the order of the log, and what was decided there before."""

    partition: int
    events: Sequence[Event]
    history: History


class Flush:
    """Decides and renders; holds what is read once for many flushes."""

    def __init__(self, rules: RuleBook, horizon_ms: int) -> None:
        self._rules = rules
        self._horizon_ns = horizon_ms * _NS_PER_MS
        self._origins = Origins()

    def run(self, batches: Sequence[Batch]) -> list[Output]:
        """Decide what closed in each partition; fills in the verdicts of the closings, and adds to the histories.

        Args:
            batches: by partition, ascending. The spans of every closing have to be in memory.
        """
        outputs = [Output(batch.partition) for batch in batches]
        items = [
            Item(output, event, batch.history)
            for output, batch in zip(outputs, batches, strict=True)
            for event in batch.events
            if isinstance(event, Closing)
        ]
        _leave([item for item in items if not item.pieces])
        for turn in turns(item for item in items if item.pieces):
            for part in slices(turn):
                self._decide_safely(part)
        for output, batch in zip(outputs, batches, strict=True):
            output.block = block_rows.block(batch.events, output.told, output.decided)
        return outputs

    def _decide_safely(self, items: list[Item]) -> None:
        """Decide `items`; when their bytes can't be read, both halves by themselves, down to those that can't."""
        try:
            self._decide(items)
        except UndecodableError as error:
            if middle := len(items) // 2:
                self._decide_safely(items[:middle])
                self._decide_safely(items[middle:])
            else:
                items[0].output.undecodable.append((items[0].closing, str(error)))
                _leave(items)

    def _decide(self, items: list[Item]) -> None:
        batch = Decoded(items, self._origins)
        traces = rows.Traces(batch.frame, len(items))
        table = trace_table(traces, items)
        cases = [item.case for item in items]
        table = table.with_columns(self._rules.p95_ms(table, cases).alias(ROUTE_P95))
        judged = self._rules.judge(table, traces, cases, self._stale(items, traces))
        settled = _settle(items, traces, judged.verdicts, batch)
        render(items, batch, traces, with_verdicts(table, items, settled), settled, judged.randomness)

    def _stale(self, items: list[Item], traces: rows.Traces) -> Mask:
        """Parts of traces never heard of, without a root, that had ended more than the horizon before they came."""
        opened = np.array([item.closing.trace.opened_at for item in items]) * _NS_PER_MS
        parts = np.array([item.closing.trace.before is None and not item.closing.decided.rooted for item in items])
        ended = np.maximum.reduceat(traces.frame.spans.end_ns, traces.starts)
        return parts & (ended < opened - self._horizon_ns)


def _settle(items: list[Item], traces: rows.Traces, verdicts: Verdicts, batch: Decoded) -> Settled:
    """Number the revisions, and make late verdicts follow the earlier ones."""
    fresh = traces.total(traces.once & batch.own) > 0
    settled = Settled.of(verdicts)
    for place, item in enumerate(items):
        decided, before, promoted = item.closing.decided, item.closing.trace.before, item.closing.trace.promoted
        rules = item.closing.steering.rules
        if before is None or before.verdict is None:
            decided.verdict, decided.revision = settled.verdict(place, rules), 1
            settled.changed[place] = decided.verdict.policy != STALE
            if promoted and settled.changed[place]:
                decided.verdict = settled.promote(place, rules, promoted)
        else:
            whole = decided.whole and before.verdict.policy != STALE
            arrived = Arrived(bool(fresh[place]), whole, promoted)
            decided.verdict = settled.follow(place, rules, before.verdict, arrived)
            decided.revision = before.revision + int(settled.changed[place])
    return settled


def _leave(items: list[Item]) -> None:
    """Traces whose spans can't be read, or are gone from the log, stay what they were; and that is remembered."""
    for item in items:
        decided, before = item.closing.decided, item.closing.trace.before
        known = before.verdict if before else None
        decided.revision = before.revision if before else 0
        decided.verdict = known or Verdict(False, UNDECODABLE, 0.0, 0.0, item.closing.steering.rules)
        tell(item.output, [item], block_rows.left([item.closing]))
