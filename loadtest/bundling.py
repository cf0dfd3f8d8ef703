"""How do generated requests become records of `otlp.v1`? As the ingester would do it, without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from tracemill.bundles import join_index, pack_group
from tracemill.config import Ingest, Limits
from tracemill.otlp.check import check
from tracemill.otlp.split import Piece, split

BUNDLE_BYTES: Final = Ingest().bundle_bytes


class Record(NamedTuple):
    """A record of `otlp.v1`: its partition, value and header."""

    partition: int
    value: bytes
    header: bytes
    """The `index`."""


class Bundler:
    """Collects requests by partition until their records are taken."""

    def __init__(self, partitions: int, tenant: str) -> None:
        self._tenant = tenant
        self._waiting: list[list[Piece]] = [[] for _ in range(partitions)]

    def add(self, body: bytes) -> int:
        """Take a serialized request in; the number of spans in it."""
        checked = check(body, Limits())
        for piece in split(checked.batches, self._tenant, len(self._waiting), BUNDLE_BYTES, BUNDLE_BYTES):
            self._waiting[piece.partition].append(piece)
        return checked.accepted

    def take(self, everything: bool) -> Iterator[Record]:
        """Records of the partitions that are full, or of all that hold something."""
        for partition, pieces in enumerate(self._waiting):
            if pieces and (everything or sum([piece.size for piece in pieces]) >= BUNDLE_BYTES):
                self._waiting[partition] = []
                yield Record(partition, *bundle(pieces))


def bundle(pieces: list[Piece]) -> tuple[bytes, bytes]:
    """Value and index of a bundle of pieces."""
    index: list[bytes] = []
    value: list[bytes] = []
    position = 0
    for piece in pieces:
        index.append(pack_group(piece.group, position))
        value += piece.parts
        position += piece.size
    return b"".join(value), join_index(index)
