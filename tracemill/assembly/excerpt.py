"""Which spans of one trace does a bundle hold? Read again from the log, once they have left memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tracemill import bundles
from tracemill.assembly.trace import Closing, Event, Piece
from tracemill.decode.groups import Sender

TRACE_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it lies in the log: its offset, value and index."""

    offset: int
    value: bytes
    index: bytes


BundlesAt = Callable[[set[int]], Mapping[int, Bundle]]
"""Fetches bundles of the partition by offset; those that the log no longer has are left out."""


def pieces_of(key: bytes, bundle: Bundle) -> tuple[list[Piece], bool]:
    """The chunks of one trace in a bundle, in their order, and whether its root is among them.

    A control record, which has no index, has none.
    """
    if not bundle.index:
        return [], False
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


def bring_back(events: Sequence[Event], bundles_at: BundlesAt) -> int:
    """Give every closing the spans it was decided with before, where they have left memory; how many records it took.

    A trace of which the log has lost something is marked as not whole.
    """
    lacking = [event for event in events if isinstance(event, Closing) and event.decided.pieces is None]
    wanted = {offset for closing in lacking for offset in _earlier(closing)}
    found = bundles_at(wanted) if wanted else {}
    for closing in lacking:
        still = [found[offset] for offset in _earlier(closing) if offset in found]
        earlier = [piece for bundle in still for piece in pieces_of(closing.trace.key, bundle)[0]]
        # In this order: the next revision takes over the pieces that it finds, and whether they are all.
        closing.decided.whole = len(still) == len(_earlier(closing))
        closing.decided.pieces = earlier + closing.trace.pieces
    return len(wanted)


def _earlier(closing: Closing) -> list[int]:
    return closing.decided.records[: len(closing.decided.records) - len(closing.trace.records)]
