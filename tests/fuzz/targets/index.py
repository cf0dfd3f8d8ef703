"""Indexes of bundles: refused as one, or every part lies in the value and the index says what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.builders.bundles import S, bundle
from tests.fuzz.target import Target
from tracemill.bundles import BundleError, pack_index, read_index

_SIZES: Final = (0, 300, 1 << 32)


def check_index(index: bytes) -> None:
    """Read it for a value of some size."""
    size = _SIZES[len(index) % len(_SIZES)]
    try:
        groups = list(read_index(index, size))
    except BundleError as error:
        assert str(error)
        return
    assert pack_index(groups) == index
    for group in groups:
        for start, end in (group.resource, group.tenant, group.scope, *(chunk[1:3] for chunk in group.chunks)):
            assert 0 <= start <= end <= size


def _seeds() -> Iterator[bytes]:
    for spans in ([S()], [S(trace=number, span=number) for number in range(3)], []):
        yield bundle(spans)[1]


TARGET: Final = Target(check_index, _seeds)
