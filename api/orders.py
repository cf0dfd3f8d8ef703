"""What can be ordered: that a trace is kept after all, or everything of somebody for a while."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Final

from api import keeping, queries, questions
from api.asked import Asked, Parts
from api.bodies import OverrideAsked, PromotionAsked
from api.keeping import Outcome, Status
from api.problems import Problem, Trouble
from api.reading import Row
from api.times import rfc3339
from tracemill.control.overrides import Order
from tracemill.sampling.steering import MAX_OVERRIDES, Override

MAX_OF_A_TENANT: Final = 20
"""Overrides in force at once; of all tenants together there is room for `MAX_OVERRIDES`."""

_NS_PER_MS: Final = 1_000_000
_HOUR_MS: Final = 3_600_000


async def promote(parts: Parts, asked: Asked) -> dict[str, Any]:
    """Have a trace kept: its decision moves within seconds, if the log still has all of it."""
    body = asked.body_as(PromotionAsked)
    trace_id = questions.read_id("trace_id", asked.path["trace_id"], 32)
    rows = await parts.store.rows(queries.one_trace(trace_id, asked.tenant))
    if not rows:
        raise Problem(Trouble.NOT_FOUND, f"there is no trace {trace_id}: it may not have closed yet, or has expired")
    outcome = await keeping.keep(parts, asked, rows[0], body.why)
    if outcome.status is Status.GONE:
        raise _gone(rows[0], outcome)
    return {"trace_id": trace_id, "status": outcome.status, "policy": outcome.policy}


def _gone(row: Row, outcome: Outcome) -> Problem:
    since = f"it goes back to {outcome.log_since}" if outcome.log_since else "it is empty"
    return Problem(
        Trouble.GONE,
        f"the spans of trace {row['trace_id']} came in at {row['opened_at']}, and the log no longer has all of them: "
        f"{since}",
        {"log_since": outcome.log_since},
    )


async def overrides(parts: Parts, asked: Asked) -> dict[str, Any]:
    """Those that are in force, and those of the last week that no longer are; the newest first."""
    now_ms = asked.now_ns // _NS_PER_MS
    recent = [order for order in _own(await parts.log.orders(), asked) if not order.forgotten_at(now_ms)]
    return {"overrides": [_shown(order, now_ms) for order in sorted(recent, key=lambda one: -one.at_ms)]}


async def order(parts: Parts, asked: Asked) -> dict[str, Any]:
    """Keep every trace of a user, session, service or tenant for a while; in force within two seconds."""
    body, now_ms = asked.body_as(OverrideAsked), asked.now_ns // _NS_PER_MS
    until_ms = now_ms + int(body.hours * _HOUR_MS)
    override = Override(secrets.token_hex(6), asked.tenant, body.of, body.value, until_ms)

    def added(orders: Sequence[Order]) -> Order:
        in_force = [one for one in orders if one.holds_at(now_ms)]
        own = sum(one.override.tenant == asked.tenant for one in in_force)
        if own >= MAX_OF_A_TENANT or len(in_force) >= MAX_OVERRIDES:
            raise Problem(Trouble.LIMIT_REACHED, f"{own} overrides of yours are in force: revoke one, or write a rule")
        return Order(override, asked.by, now_ms, body.why)

    return _shown(await parts.log.order(added, now_ms), now_ms)


async def revoke(parts: Parts, asked: Asked) -> dict[str, Any]:
    """Take an override back."""
    name, now_ms = asked.path["override_id"], asked.now_ns // _NS_PER_MS

    def revoked(orders: Sequence[Order]) -> Order:
        found = next((one for one in _own(orders, asked) if one.override.id == name), None)
        if found is None:
            raise Problem(Trouble.NOT_FOUND, f"there is no override {name[:80]}")
        return found if found.revoked else found.revoke(asked.by, now_ms)

    return _shown(await parts.log.order(revoked, now_ms), now_ms)


def _own(orders: Iterable[Order], asked: Asked) -> list[Order]:
    return [order for order in orders if order.override.tenant == asked.tenant]


def _shown(order: Order, now_ms: int) -> dict[str, Any]:
    override = order.override
    return {
        "id": override.id,
        "of": override.of,
        "value": override.value,
        "policy": override.policy,
        "until": rfc3339(override.until_ms * _NS_PER_MS),
        "in_force": order.holds_at(now_ms),
        "by": order.by,
        "at": rfc3339(order.at_ms * _NS_PER_MS),
        "why": order.why,
        "revoked_by": order.revoked_by or None,
        "revoked_at": rfc3339(order.revoked_at_ms * _NS_PER_MS) if order.revoked_at_ms is not None else None,
    }
