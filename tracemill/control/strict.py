"""Which values may stand in a control record? Whatever is let in here steers decisions, so nothing else is."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]
Tenant = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=1_000)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Milliseconds since the epoch, or of log time."""
Offset = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Revision = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 2)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Weight = Annotated[float, msgspec.Meta(ge=0)]
TraceId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]

TRACE_ID_BYTES: Final = 16


def decoder(record: type[Any]) -> msgspec.json.Decoder[Any]:
    """Reads records of this type from JSON, and takes no other types than it names."""
    return msgspec.json.Decoder(record, strict=True)
