"""How much memory does a record of spans take, trace by trace? As the contract says it, told from protobuf's reading.

An open trace takes 600 bytes, 40 for each record that it was decided with before, and for its spans their bytes and
250 for each run of them from one resource and scope; the first run of each also the bytes of that resource and scope.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

OPEN_BYTES: Final = 600
RECORD_BYTES: Final = 40
RUN_BYTES: Final = 250
_ONE_BYTE, _TWO_BYTES = 1 << 7, 1 << 14


class Run(NamedTuple):
    """Spans of one trace that lie side by side: the trace's key, their bytes, and the memory that they take."""

    key: bytes
    spans: list[Span]
    span_bytes: int
    memory_bytes: int


def runs(value: bytes) -> Iterator[Run]:
    """The runs of a bundle, in their order."""
    for group in TracesData.FromString(value).resource_spans:
        *sent, stamp = group.resource.attributes
        tenant = stamp.value.string_value.encode()
        for scope in group.scope_spans:
            beside = Resource(attributes=sent).ByteSize() + scope.scope.ByteSize()
            for trace_id, spans in groupby(scope.spans, key=lambda span: span.trace_id):
                mine = list(spans)
                size = sum(map(_framed_bytes, mine))
                yield Run(trace_id + tenant, mine, size, size + RUN_BYTES + beside)
                beside = 0


def _framed_bytes(span: Span) -> int:
    """With its tag and length."""
    size = span.ByteSize()
    return size + 1 + (1 if size < _ONE_BYTE else 2 if size < _TWO_BYTES else 3 if size < 1 << 21 else 4)
