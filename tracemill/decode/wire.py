"""Which shape of OTLP does the columnar decoder see? Spans whose events and links, and all values, stay bytes.

They are read for kept spans only (`tracemill.decode.nested`, `tracemill.decode.values`). The joined chunks of a bundle
are one `Spans` message.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from tracemill.columnar import BYTES, OTLP, Field, Handler, Messages, handlers

_OPAQUE: Final = {"events": Field(11, BYTES, repeated=True), "links": Field(13, BYTES, repeated=True)}
_MESSAGES: Final[Messages] = {
    **OTLP,
    "Span": {**OTLP["Span"], **_OPAQUE},
    "Spans": {"spans": Field(2, "Span", repeated=True)},
}


@cache
def _handlers() -> dict[str, Handler]:
    return handlers("tracemill.lite", _MESSAGES)


def handler(message: str) -> Handler:
    """The columnar reader of `Spans`, `Event` or `Link`: see `tracemill.columnar.handlers`."""
    return _handlers()[message]
