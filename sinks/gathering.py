"""How many records are read before targets are looked at again? Many small ones, but no more than there is room for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import Message

from tracemill import topics

RECORDS: Final = 50
WAIT_S: Final = 0.01
"""How long more records are waited for."""


def gather(consumer: Any, first_wait_s: float, room_bytes: Callable[[], int], take: Callable[[Message], None]) -> None:
    """Take what there is to read, up to `RECORDS`; of what is taken at most the last record is more than there is room.

    Args:
        consumer: of `confluent_kafka`.
        first_wait_s: how long the first record is waited for.
        room_bytes: how much more may be held.
        take: takes a record.
    """
    first = consumer.poll(first_wait_s)
    if first is None:
        return
    take(first)
    left = RECORDS
    while left > 0 and (room := room_bytes()) > 0:
        wanted = min(left, max(1, room // topics.RECORD_BYTES))
        found = consumer.consume(wanted, timeout=WAIT_S)
        for message in found:
            take(message)
        left -= wanted if len(found) == wanted else left
