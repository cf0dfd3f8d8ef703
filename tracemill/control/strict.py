"""Which values may stand in a control record? Whatever is let in here steers decisions, so nothing else is."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec

from tracemill.errors import Malformed, Reason

R = TypeVar("R")

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]
Tenant = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=1_000)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Milliseconds since the epoch, or of log time."""
Offset = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Size = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Revision = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 2)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Weight = Annotated[float, msgspec.Meta(ge=0)]
TraceId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]


class Records(Generic[R]):
    """Reads records of a type from JSON, and takes no other types than it names; `what` and `reason` are of errors."""

    def __init__(self, record: type[R], what: str, reason: Reason) -> None:
        self._decoder = msgspec.json.Decoder(record, strict=True)
        self._what = what
        self._reason = reason

    def read(self, value: bytes) -> R:
        """What a record says.

        Raises:
            Malformed: it isn't such a record.
        """
        try:
            return self._decoder.decode(value)
        except msgspec.MsgspecError as error:
            raise Malformed(self._reason, f"not a record of {self._what}: {error}") from error
