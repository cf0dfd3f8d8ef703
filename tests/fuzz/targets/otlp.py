"""Requests in protobuf: taken exactly where upb and our rules take them, and in the bundles as upb reads them."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from tests.fuzz.mutating import change_protobuf
from tests.fuzz.seeds import requests
from tests.fuzz.target import Target
from tests.oracles.requests import LIMITS, assert_index, assert_same, may_be_taken
from tracemill.errors import Malformed, Refused, TooLarge
from tracemill.otlp.check import check
from tracemill.otlp.count import refuse_too_many

_PIECES: Final = (1 << 20, 200, 1)
"""Sizes of pieces: nothing is cut, most is, everything is."""


def check_request(body: bytes) -> None:
    """Compare what is made of a body with what upb says of it."""
    if may_be_taken(body):
        refuse_too_many(body, len(body))
        piece_bytes = _PIECES[len(body) % len(_PIECES)]
        assert_same(body, "acme", piece_bytes)
        assert_index(body, "acme", piece_bytes)
    else:
        with suppress(TooLarge, Malformed):
            refuse_too_many(body, 2)
        try:
            check(body, LIMITS)
        except Refused as error:
            assert str(error)
        else:
            raise AssertionError("taken, though upb or our rules refuse it")


TARGET: Final = Target(check_request, lambda: (one.SerializeToString() for one in requests()), change=change_protobuf)
