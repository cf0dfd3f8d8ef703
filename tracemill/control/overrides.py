"""Of what is every trace kept for a while? An override, as it was ordered and as it was taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from tracemill.errors import Malformed, Reason
from tracemill.sampling.steering import Of, Override


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
        return not self.revoked and now_ms < self.override.until_ms


def override_record(order: Order) -> bytes:
    """The value of a control record that orders an override, or revokes it."""
    return orjson.dumps(
        {
            **order.override._asdict(),
            "by": order.by,
            "at_ms": order.at_ms,
            "why": order.why,
            "revoked_by": order.revoked_by,
            "revoked_at_ms": order.revoked_at_ms,
        }
    )


def read_override(value: bytes) -> Order:
    """The override that a control record orders or revokes.

    Raises:
        Malformed: it isn't such a record.
    """
    try:
        body: dict[str, Any] = orjson.loads(value)
        given = {name: body[name] for name in Override._fields}
        override = Override(**given | {"of": Of(body["of"]), "until_ms": int(body["until_ms"])})
        return Order(override, body["by"], body["at_ms"], body["why"], body["revoked_by"], body["revoked_at_ms"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise Malformed(Reason.UNKNOWN_OVERRIDE, f"not a record of an override: {error!r}") from error
