"""How do the spans of a trace come back from the log, once they have left memory?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.kafka import fetch_records
from tracemill import bundles, topics
from tracemill.assembly.assembler import TRACE_ID_BYTES
from tracemill.assembly.trace import Closing, Event, Piece
from tracemill.config import Kafka
from tracemill.decode.groups import Sender


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it lies in the log: its offset, value, index and append time."""

    offset: int
    value: bytes
    index: bytes
    append_ms: int


def bundles_at(kafka: Kafka, partition: int, offsets: Iterable[int]) -> dict[int, Bundle]:
    """The bundles of a partition of `otlp.v1` at the given offsets; those that are gone are left out."""
    records = fetch_records(kafka, topics.OTLP.name(kafka.namespace), partition, offsets)
    return {
        offset: Bundle(offset, message.value() or b"", index_of(message.headers()), message.timestamp()[1])
        for offset, message in records.items()
    }


def index_of(headers: Any) -> bytes:
    """The header `index` of a record, `b""` where there is none."""
    return next((value for name, value in headers or () if name == topics.HEADER_INDEX and value), b"")


def pieces_of(key: bytes, bundle: Bundle) -> tuple[list[Piece], bool]:
    """The chunks of one trace in a bundle, in their order, and whether its root is among them."""
    trace_id, tenant = key[:TRACE_ID_BYTES], key[TRACE_ID_BYTES:]
    value, pieces, rooted = bundle.value, [], False
    for group in bundles.read_index(bundle.index, len(value)):
        if value[slice(*group.tenant)] != tenant:
            continue
        sender = Sender(tenant, value[slice(*group.resource)], value[slice(*group.scope)])
        for chunk_id, start, end, packed in group.chunks:
            if chunk_id == trace_id:
                pieces.append((value[start:end], sender, bundle.offset, packed >> 1))
                rooted = rooted or bool(packed & 1)
    return pieces, rooted


def bring_back(kafka: Kafka, batches: Sequence[tuple[int, Sequence[Event]]]) -> int:
    """Give every closing the spans it was decided with before; how many records were read for it.

    A trace of which the log has lost something is marked as not whole.
    """
    read = 0
    for partition, events in batches:
        lacking = [event for event in events if isinstance(event, Closing) and event.decided.pieces is None]
        if lacking:
            read += _bring_back(kafka, partition, lacking)
    return read


def _bring_back(kafka: Kafka, partition: int, lacking: Sequence[Closing]) -> int:
    wanted = {offset for closing in lacking for offset in _earlier(closing)}
    found = bundles_at(kafka, partition, wanted)
    for closing in lacking:
        still = [found[offset] for offset in _earlier(closing) if offset in found]
        earlier = [piece for bundle in still for piece in pieces_of(closing.trace.key, bundle)[0]]
        closing.decided.pieces = earlier + closing.trace.pieces
        closing.decided.whole = len(still) == len(_earlier(closing))
    return len(wanted)


def _earlier(closing: Closing) -> list[int]:
    return closing.decided.records[: len(closing.decided.records) - len(closing.trace.records)]
