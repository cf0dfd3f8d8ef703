"""What did somebody say about a trace, or about a span of it? A score, and its record on `scores.v1`.

A record is the whole score, in the names of the store's columns. Of several with the id of one score of a trace the
last in its partition holds: they lie in the trace's partition, so that they have an order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from tracemill.control.strict import Name, Tenant, TraceId
from tracemill.errors import Malformed, Reason

FEEDBACK: Final = "feedback"
"""The source of what was sent to the API."""
MAX_TEXT: Final = 256
MAX_COMMENT: Final = 4_000
_DERIVED_DIGITS: Final = 32

Value = bool | float | str
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z0-9_.:-]{1,64}$")]
SpanId = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{16})?$")]


class Kind(StrEnum):
    """What a value is. A number is finite; a boolean is also stored as 1 or 0, so that it has an average."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Score:
    """One thing that an author said, at `at_ns` since the epoch; of the whole trace where `span_id` is empty."""

    tenant: str
    trace_id: str
    id: str
    span_id: str
    name: str
    value: Value
    comment: str
    author: str
    source: str
    at_ns: int


class _Record(msgspec.Struct):
    tenant: Tenant
    trace_id: TraceId
    id: Id
    span_id: SpanId
    name: Name
    kind: Kind
    number: float | None
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
    comment: Annotated[str, msgspec.Meta(max_length=MAX_COMMENT)]
    author: Annotated[str, msgspec.Meta(max_length=1_000)]
    source: Name
    at: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

    def __post_init__(self) -> None:
        if (self.kind is Kind.TEXT) != (self.number is None):
            raise ValueError("number goes with the kinds number and boolean, text with text")


class _Row(_Record):
    version: int


_DECODER: Final = msgspec.json.Decoder(_Record)


def derived_id(author: str, trace_id: str, span_id: str, name: str) -> str:
    """The id of a score that was given none: what an author says twice about one thing is one score."""
    return sha256(msgspec.json.encode([author, trace_id, span_id, name])).hexdigest()[:_DERIVED_DIGITS]


def score_record(score: Score) -> bytes:
    """The value of a record on `scores.v1`."""
    kind, number, text = _told(score.value)
    return msgspec.json.encode(
        _Record(
            score.tenant, score.trace_id, score.id, score.span_id, score.name, kind, number, text, score.comment,
            score.author, score.source, score.at_ns,
        )
    )  # fmt: skip


def score_row(value: bytes, version: int) -> bytes:
    """A record as the JSON of a row, with the version that decides which of several holds: the record's offset.

    Members that a later release may add are left out.

    Raises:
        Malformed: it isn't such a record.
    """
    try:
        record = _DECODER.decode(value)
    except msgspec.ValidationError as error:
        raise Malformed(Reason.WRONG_SCHEMA, f"not a score: {error}") from error
    except msgspec.DecodeError as error:
        raise Malformed(Reason.UNDECODABLE, f"not JSON: {error}") from error
    return msgspec.json.encode(_Row(**msgspec.structs.asdict(record), version=version))


def read_value(kind: str, number: float | None, text: str) -> Value:
    """The value of a stored score."""
    match Kind(kind):
        case Kind.TEXT:
            return text
        case Kind.BOOLEAN:
            return bool(number)
        case Kind.NUMBER:
            return number or 0.0


def _told(value: Value) -> tuple[Kind, float | None, str]:
    if isinstance(value, bool):
        return Kind.BOOLEAN, float(value), ""
    if isinstance(value, str):
        return Kind.TEXT, None, value
    return Kind.NUMBER, float(value), ""
