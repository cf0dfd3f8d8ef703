"""Raw spans: what was taken at the edge is decoded as protobuf reads it; anything else is refused in one way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from tests.fuzz.mutating import change_protobuf
from tests.fuzz.seeds import requests
from tests.fuzz.target import Target
from tests.oracles.decoding import expected, found
from tracemill.config import Limits
from tracemill.decode.spans import UndecodableError, decode
from tracemill.errors import Refused
from tracemill.otlp.check import check
from tracemill.otlp.wire import field, span_head


def check_spans(scope_spans: bytes) -> None:
    """`scope_spans` is a `ScopeSpans` message; what may be taken of it is decoded, and it itself as it is."""
    with suppress(UndecodableError):
        decode(scope_spans)
    try:
        batches = check(field(1, field(2, scope_spans)), Limits()).batches
    except Refused:
        return
    for batch in batches:
        joined = b"".join(span_head(len(span)) + span for span in batch.spans)
        assert _plain(found(decode(joined))) == _plain(expected(joined))


def _plain(rows: object) -> str:
    return repr(rows)


def _seeds() -> Iterator[bytes]:
    for one in requests():
        for resource in one.resource_spans:
            for scope in resource.scope_spans:
                yield b"".join(field(2, span.SerializeToString()) for span in scope.spans)


TARGET: Final = Target(check_spans, _seeds, change=change_protobuf)
