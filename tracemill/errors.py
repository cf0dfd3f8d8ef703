"""Why can a record, a span or a request be refused? The closed set, which is also a metric's label.

Refused
├── Malformed        the same input fails again: answered 400 / INVALID_ARGUMENT, or dead-lettered
├── TooLarge         over a limit of `tracemill.config.Limits`: 413 / RESOURCE_EXHAUSTED without a retry hint
├── Unauthenticated  no token, or one that nobody knows: 401 / UNAUTHENTICATED
└── Busy             try later: 503 / UNAVAILABLE with a retry hint
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why something was refused or dead-lettered."""

    MALFORMED = "malformed"
    BAD_ENCODING = "bad_encoding"
    BAD_TRACE_ID = "bad_trace_id"
    BAD_SPAN_ID = "bad_span_id"
    SPAN_TOO_LARGE = "span_too_large"
    REQUEST_TOO_LARGE = "request_too_large"
    TOO_MANY_SPANS = "too_many_spans"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    TOO_SLOW = "too_slow"
    UNAUTHENTICATED = "unauthenticated"
    BUSY = "busy"
    BROKER_AWAY = "broker_away"
    NOT_A_BUNDLE = "not_a_bundle"
    NOT_A_BLOCK = "not_a_block"
    UNDECODABLE = "undecodable"
    UNKNOWN_RULES = "unknown_rules"
    UNKNOWN_OVERRIDE = "unknown_override"
    UNKNOWN_PROMOTION = "unknown_promotion"
    UNKNOWN_TYPE = "unknown_type"
    KILLED_WORKER = "killed_worker"
    WRONG_SCHEMA = "wrong_schema"
    REFUSED_BY_TARGET = "refused_by_target"


class Refused(Exception):
    """Input that isn't taken; `reason` is from the closed set, the text names the field and what to do."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Malformed(Refused):
    """The same input fails again."""


class TooLarge(Refused):
    """Over a configured limit."""


class Unauthenticated(Refused):
    """No token, or one that nobody knows."""


class Busy(Refused):
    """Try later."""

    def __init__(self, reason: Reason, text: str, retry_after_s: float = 1.0) -> None:
        super().__init__(reason, text)
        self.retry_after_s = retry_after_s
