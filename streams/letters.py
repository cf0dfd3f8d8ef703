"""What becomes of what can't be read? A dead letter, a count and a line in the log, for whatever reason it was."""

from __future__ import annotations

import logging
from collections.abc import Callable

from runtime.dead_letters import Record, dead_letter
from runtime.logs import pairs
from streams import metrics
from tracemill.errors import Refused

log = logging.getLogger(__name__)


class Letters:
    """Dead letters; `send` puts one among the outputs that are acknowledged next, `content` is the configuration's."""

    def __init__(self, send: Callable[[bytes], None], content: bool) -> None:
        self._send = send
        self._content = content

    def write(self, record: Record, why: Refused) -> None:
        """Nobody can read this record, or these bytes of it."""
        self._send(dead_letter(record, why, self._content))
        reason = why.reason.value
        metrics.DEAD_LETTERS.labels(reason).inc()
        log.error(
            pairs(
                "a record can't be read",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                reason=reason,
                why=why,
            )
        )
