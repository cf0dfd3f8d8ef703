"""Of what is every trace kept for a while? An override, as it was ordered and as it was taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Final

import msgspec

from tracemill.control.strict import Moment, Name, Records, Tenant, Text
from tracemill.errors import Reason
from tracemill.sampling.steering import Of, Override

MAX_VALUE: Final = 256
"""Characters: what is in force stands in every block of decisions."""
SHOWN_MS: Final = 7 * 24 * 3_600_000
"""So long an override is still in the list when its time is over."""


@dataclass(frozen=True, slots=True)
class Order:
    """An override; who ordered it, when (milliseconds since the epoch) and why; and who revoked it when, if anyone."""

    override: Override
    by: str
    at_ms: int
    why: str = ""
    revoked_by: str = ""
    revoked_at_ms: int | None = None

    @property
    def revoked(self) -> bool:
        """Whether it was taken back."""
        return self.revoked_at_ms is not None

    def revoke(self, by: str, at_ms: int) -> Order:
        """The same order, taken back."""
        return replace(self, revoked_by=by, revoked_at_ms=at_ms)

    def holds_at(self, now_ms: int) -> bool:
        """Whether it is in force then."""
        ends_ms = (
            self.override.until_ms if self.revoked_at_ms is None else min(self.override.until_ms, self.revoked_at_ms)
        )
        return self.at_ms <= now_ms < ends_ms

    def forgotten_at(self, now_ms: int) -> bool:
        """Whether it ended so long ago that nobody is shown it any longer."""
        return self.override.until_ms <= now_ms - SHOWN_MS


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    id: Name
    tenant: Tenant
    of: Of
    value: Annotated[str, msgspec.Meta(max_length=MAX_VALUE)]
    until_ms: Moment
    by: Text
    at_ms: Moment
    why: Text
    revoked_by: Text
    revoked_at_ms: Moment | None


_RECORDS: Final = Records(_Record, "an override", Reason.UNKNOWN_OVERRIDE)


def override_record(order: Order) -> bytes:
    """The value of a control record that orders an override, or revokes it."""
    told = (order.by, order.at_ms, order.why, order.revoked_by, order.revoked_at_ms)
    return msgspec.json.encode(_Record(*order.override, *told))


def read_override(value: bytes) -> Order:
    """The override that a control record orders or revokes.

    Raises:
        Malformed: it isn't such a record.
    """
    told = _RECORDS.read(value)
    override = Override(told.id, told.tenant, told.of, told.value, told.until_ms)
    return Order(override, told.by, told.at_ms, told.why, told.revoked_by, told.revoked_at_ms)
