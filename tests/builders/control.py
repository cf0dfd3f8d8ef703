"""Control records with defaults, as they lie in a partition."""

from __future__ import annotations

from tests.builders.bundles import trace_id
from tests.builders.partition import Logged
from tracemill import topics
from tracemill.assembly.trace import Decided
from tracemill.control.overrides import Order, override_record
from tracemill.control.promotions import Promotion, promotion_record
from tracemill.sampling.steering import Of, Override


def promoted(at: int, trace: int = 1, why: str = "request", known: Decided | None = None) -> Logged:
    """Somebody wants a trace kept."""
    promotion = Promotion(trace_id(trace) + b"default", why, "ops", known)
    return at, promotion_record(promotion), b"", topics.TYPE_PROMOTION


def override(
    at: int,
    of: Of = Of.USER,
    value: str = "ada",
    until: int = 2**53,
    tenant: str = "default",
    revoked: bool = False,
    name: str = "o1",
) -> Logged:
    """Everything of a user is kept, or no longer."""
    order = Order(Override(name, tenant, of, value, until), "ops", at)
    return at, override_record(order.revoke("ops", at) if revoked else order), b"", topics.TYPE_OVERRIDE
