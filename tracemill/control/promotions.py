"""Which decided trace is to be kept after all? A promotion by hand: shown from then on, but never counted."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from tracemill.assembly.trace import Decided, Verdict
from tracemill.errors import Malformed, Reason

TRACE_ID_BYTES = 16


class Promotion(NamedTuple):
    """A trace by its key (its id, then its tenant's name), why it is to be kept, and who asked for it.

    `known` is what was decided about it, for workers that don't remember it any longer.
    """

    key: bytes
    why: str
    by: str
    known: Decided | None


def promotion_record(promotion: Promotion) -> bytes:
    """The value of a control record that promotes a trace."""
    trace_id, tenant = promotion.key[:TRACE_ID_BYTES], promotion.key[TRACE_ID_BYTES:]
    return orjson.dumps(
        {
            "trace_id": trace_id.hex(),
            "tenant": tenant.decode(),
            "why": promotion.why,
            "by": promotion.by,
            "known": promotion.known and _known(promotion.known),
        }
    )


def _known(decided: Decided) -> dict[str, Any]:
    return {
        "opened_at": decided.opened_at,
        "closed_at": decided.closed_at,
        "records": list(decided.records),
        "first_through": decided.first_through,
        "rooted": decided.rooted,
        "revision": decided.revision,
        "verdict": decided.verdict and decided.verdict._asdict(),
    }


def read_promotion(value: bytes) -> Promotion:
    """The promotion that a control record asks for.

    Raises:
        Malformed: it isn't such a record.
    """
    try:
        body: dict[str, Any] = orjson.loads(value)
        trace_id, why = bytes.fromhex(body["trace_id"]), body["why"]
        if len(trace_id) != TRACE_ID_BYTES or not isinstance(why, str) or not why:
            raise ValueError("trace_id has to be 32 hex digits and why a text")
        key = trace_id + body["tenant"].encode()
        known = body["known"] and _read_known(key, body["known"])
        return Promotion(key, why, body["by"], known)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(Reason.UNKNOWN_PROMOTION, f"not a record of a promotion: {error!r}") from error


def _read_known(key: bytes, body: dict[str, Any]) -> Decided:
    records = [int(offset) for offset in body["records"]]
    if not records:
        raise ValueError("known.records is empty")
    return Decided(
        key,
        int(body["opened_at"]),
        int(body["closed_at"]),
        records,
        int(body["first_through"]),
        bool(body["rooted"]),
        None,
        int(body["revision"]),
        Verdict(**body["verdict"]),
    )
