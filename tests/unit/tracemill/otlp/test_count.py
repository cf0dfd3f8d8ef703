"""Parts of a request are counted before it is parsed."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.otlp import mutated, requests
from tracemill.errors import Malformed, TooLarge
from tracemill.otlp.count import refuse_too_many
from tracemill.otlp.wire import field


@given(requests())
def test_what_protobuf_writes_is_counted(any_request: object) -> None:
    refuse_too_many(any_request.SerializeToString(), 50_000)  # type: ignore[attr-defined]


@given(mutated() | st.binary(max_size=40))
def test_anything_else_is_refused_or_counted(body: bytes) -> None:
    with suppress(Malformed):
        refuse_too_many(body, 50_000)


@pytest.mark.parametrize(
    "body",
    [
        b"\x08\x01" * 500,
        field(1, b"") * 500,
        field(1, field(1, b"") * 500),
        field(1, field(2, b"") * 500),
        field(1, field(2, field(1, b"") * 500)),
        field(1, field(2, field(2, b"") * 500)),
    ],
)
def test_too_many_parts_of_any_kind_are_refused(body: bytes) -> None:
    refuse_too_many(body, 126)
    with pytest.raises(TooLarge, match="a request may hold 100 spans"):
        refuse_too_many(body, 100)
