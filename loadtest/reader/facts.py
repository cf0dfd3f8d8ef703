"""What does a rule look at in a span? A few of its fields, read with protobuf's own parser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


class Fact(NamedTuple):
    """A span; `parent_id` is empty for a root, `operation` and `route` are attributes, '' where there is none."""

    name: str
    parent_id: bytes
    start_ns: int
    end_ns: int
    error: bool
    operation: str
    route: str


Spans = Mapping[bytes, Fact]
"""The spans of a trace by their ids, each as it came first."""


class Verdict(NamedTuple):
    """What is decided of a trace, by which rule, and with which probability."""

    keep: bool
    policy: str
    probability: float

    @property
    def adjusted_count(self) -> float:
        """How many traces it stands for."""
        return 1 / self.probability if self.keep else 0.0


Judge = Callable[[bytes, Spans], Verdict]
"""Decides about a trace, by its id (16 bytes) and all its spans so far."""


def fact_of(span: Span) -> Fact:
    """The fields of a span."""
    texts = {pair.key: pair.value.string_value for pair in span.attributes if pair.key in _ATTRIBUTES}
    return Fact(
        span.name,
        span.parent_span_id,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == Status.STATUS_CODE_ERROR,
        *(texts.get(key, "") for key in _ATTRIBUTES),
    )


_ATTRIBUTES = ("gen_ai.operation.name", "http.route")


def keep_everything(_trace_id: bytes, _spans: Spans) -> Verdict:
    """What holds where no rules were ever applied."""
    return Verdict(True, "default", 1.0)
