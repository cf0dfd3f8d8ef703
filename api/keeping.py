"""Can a trace be kept that was dropped, or may be? What its row says, and what the log still has."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from api.asked import Asked, Parts
from api.reading import Row
from api.times import rfc3339
from runtime.decided import Reach
from tracemill.assembly.trace import Decided
from tracemill.control.promotions import Promotion
from tracemill.evaluation.verdicts import PROMOTED
from tracemill.expressions.kinds import read_time

_NS_PER_MS = 1_000_000


class Status(StrEnum):
    """What becomes of a trace that somebody wants kept."""

    KEPT = "kept"
    REQUESTED = "requested"
    GONE = "gone"
    UNKNOWN = "unknown"
    LEFT = "left"


class Outcome(NamedTuple):
    """`policy` is the trace's from then on, where it is known; `log_since` since when the log has records, if any."""

    status: Status
    policy: str | None = None
    log_since: str | None = None


async def keep(parts: Parts, asked: Asked, row: Row, why: str) -> Outcome:
    """Have a trace kept whose row is known: its decision moves within seconds, if the log still has all of it.

    What was decided a short while ago the workers remember; what is older is looked up for them, which takes a second.
    """
    if row["decision"] == "keep":
        return Outcome(Status.KEPT, row["policy"])
    key, first = _key(asked, row["trace_id"]), row["sources"]["offsets"][0]
    reach = await parts.log.reach(key[:16])
    if first < reach.offset:
        return _gone(reach)
    known = None
    if not parts.log.remembered(read_time(row["opened_at"]) or 0, asked.now_ns):
        known = await parts.log.decided(key, first)
        if known is None or min(known.records) < reach.offset:
            return _gone(reach)
        if known.verdict and known.verdict.keep:
            return Outcome(Status.KEPT, known.verdict.policy)
    return await _ask(parts, asked, key, why, known, Status.REQUESTED)


async def keep_when_it_closes(parts: Parts, asked: Asked, trace_id: str, why: str) -> Outcome:
    """Have a trace kept of which there is no row: it is open, or was decided a moment ago, or nobody knows it."""
    return await _ask(parts, asked, _key(asked, trace_id), why, None, Status.UNKNOWN)


async def _ask(parts: Parts, asked: Asked, key: bytes, why: str, known: Decided | None, status: Status) -> Outcome:
    await parts.log.promote(Promotion(key, why, asked.by, known))
    return Outcome(status, PROMOTED + why if status is Status.REQUESTED else None)


def _key(asked: Asked, trace_id: str) -> bytes:
    """A trace's key is its id and its tenant: nobody names another tenant's."""
    return bytes.fromhex(trace_id) + asked.tenant.encode()


def _gone(reach: Reach) -> Outcome:
    since = rfc3339(reach.append_ms * _NS_PER_MS) if reach.append_ms else None
    return Outcome(Status.GONE, log_since=since)


def shown(outcome: Outcome) -> dict[str, Any]:
    """As an answer has it."""
    return {"status": outcome.status, "policy": outcome.policy, "log_since": outcome.log_since}
