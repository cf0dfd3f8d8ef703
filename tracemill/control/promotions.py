"""Which decided trace is to be kept after all? A promotion by hand: shown from then on, but never counted."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

import msgspec

from tracemill.assembly.excerpt import TRACE_ID_BYTES
from tracemill.assembly.trace import Decided, Verdict
from tracemill.control.strict import Moment, Name, Offset, Records, Revision, Share, Size, Tenant, Text, TraceId, Weight
from tracemill.errors import Reason


class Promotion(NamedTuple):
    """A trace by its key (its id, then its tenant's name), why it is to be kept, and who asked for it.

    `known` is what was decided about it, for workers that don't remember it any longer.
    """

    key: bytes
    why: str
    by: str
    known: Decided | None


class _Verdict(msgspec.Struct, forbid_unknown_fields=True):
    keep: bool
    policy: Text
    probability: Share
    adjusted_count: Weight
    rules: Text


class _Known(msgspec.Struct, forbid_unknown_fields=True):
    opened_at: Moment
    closed_at: Moment
    records: Annotated[list[Offset], msgspec.Meta(min_length=1)]
    first_through: Offset
    rooted: bool
    spans: Size
    span_bytes: Size
    revision: Revision
    verdict: _Verdict


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    trace_id: TraceId
    tenant: Tenant
    why: Name
    by: Text
    known: _Known | None


_RECORDS: Final = Records(_Record, "a promotion", Reason.UNKNOWN_PROMOTION)


def promotion_record(promotion: Promotion) -> bytes:
    """The value of a control record that promotes a trace."""
    trace_id, tenant = promotion.key[:TRACE_ID_BYTES], promotion.key[TRACE_ID_BYTES:]
    known = _known(promotion.known) if promotion.known else None
    return msgspec.json.encode(_Record(trace_id.hex(), tenant.decode(), promotion.why, promotion.by, known))


def _known(decided: Decided) -> _Known | None:
    if decided.verdict is None:
        return None
    return _Known(
        decided.opened_at,
        decided.closed_at,
        list(decided.records),
        decided.first_through,
        decided.rooted,
        decided.spans,
        decided.span_bytes,
        decided.revision,
        _Verdict(*decided.verdict),
    )


def read_promotion(value: bytes) -> Promotion:
    """The promotion that a control record asks for.

    Raises:
        Malformed: it isn't such a record.
    """
    told = _RECORDS.read(value)
    key = bytes.fromhex(told.trace_id) + told.tenant.encode()
    known = _decided(key, told.known) if told.known else None
    return Promotion(key, told.why, told.by, known)


def _decided(key: bytes, known: _Known) -> Decided:
    verdict = Verdict(*(getattr(known.verdict, name) for name in Verdict._fields))
    return Decided(
        key, known.opened_at, known.closed_at, known.records, known.first_through, known.rooted, None,
        known.spans, known.span_bytes, known.revision, verdict,
    )  # fmt: skip
