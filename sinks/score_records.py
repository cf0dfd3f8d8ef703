"""How do records of `scores.v1` become rows? Their own offset tells which of several with one id holds."""

from __future__ import annotations

from typing import Final

from runtime.dead_letters import Record
from sinks.records import Piece, Table, json_lines
from tracemill import topics
from tracemill.scores import score_row


def read_score(record: Record) -> Piece:
    """The one row of a record.

    Raises:
        Malformed: it isn't a score.
    """
    return Piece(record, 1, b"", memoryview(score_row(record.value, record.offset)))


SCORES: Final = Table(topics.SCORES, "scores_in", "JSONEachRow", read_score, json_lines, b"")
