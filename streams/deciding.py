"""What happens to what closed? It is made whole, decided, counted and written; what can't be read is set aside.

All of it blocks: it runs on a thread, while the next records are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runtime.dead_letters import Record
from streams import metrics
from streams.letters import Letters
from tracemill.assembly.trace import Closing
from tracemill.errors import Malformed, Reason
from tracemill.evaluation.flush import Batch
from tracemill.evaluation.output import Output

Batches = Sequence[Batch]
"""By partition, ascending."""


class Deciding:
    """The steps of a flush up to where its outputs are acknowledged.

    Args:
        source: the topic that was read.
        bring_back: gives closings the spans that have left memory; how many records it read.
        decide: what is written about what closed.
        write: writes spans, rows and signals, and returns when they are acknowledged.
        letters: where spans go that nobody can read; acknowledged with what is written next.
    """

    def __init__(
        self,
        source: str,
        bring_back: Callable[[Batches], int],
        decide: Callable[[Batches], list[Output]],
        write: Callable[[Sequence[Output]], None],
        letters: Letters,
    ) -> None:
        self._source = source
        self._bring_back = bring_back
        self._decide = decide
        self._write = write
        self._letters = letters

    def __call__(self, batches: Batches) -> list[Output]:
        """Decide; one output a partition."""
        metrics.READ_BACK.inc(self._bring_back(batches))
        outputs = self._decide(batches)
        for output in outputs:
            metrics.count(output)
            for closing, why in output.undecodable:
                self._give_up(output.partition, closing, why)
        self._write(outputs)
        return outputs

    def _give_up(self, partition: int, closing: Closing, why: str) -> None:
        value = b"".join(piece[0] for piece in closing.trace.pieces)
        record = Record(self._source, partition, closing.trace.records[0], -1, [], value)
        self._letters.write(record, Malformed(Reason.UNDECODABLE, why))
