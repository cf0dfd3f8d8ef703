"""Which spans of one trace does a bundle hold? Read again from the log, once they have left memory."""

from __future__ import annotations

from dataclasses import dataclass

from tracemill import bundles
from tracemill.assembly.trace import Piece
from tracemill.decode.groups import Sender

TRACE_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it lies in the log: its offset, value and index."""

    offset: int
    value: bytes
    index: bytes


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
