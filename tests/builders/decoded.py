"""Spans as a flush sees them: decoded, with their meaning, one trace each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.builders.bundles import START_NS, any_value, framed
from tracemill.decode.groups import Origin
from tracemill.decode.spans import decode
from tracemill.evaluation.spans import any_column
from tracemill.frame import Frame, read

_RESOURCE = {"service_name": "", "environment": "", "git_sha": "", "config_bundle_id": ""}


def event(name: str, attributes: Mapping[str, object] = {}, after_ms: float = 0) -> Span.Event:
    """An event so long after the start of a span that starts when the builders' spans do."""
    return Span.Event(
        name=name,
        time_unix_nano=START_NS + int(after_ms * 1_000_000),
        attributes=[KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()],
    )


def frame(*spans: Span, scope: str = "") -> Frame:
    """Spans with their meaning."""
    decoded = decode(b"".join(framed(2, span.SerializeToString()) for span in spans))
    origin = Origin("default", _RESOURCE, (), scope, "")
    return read(decoded, np.arange(decoded.count), np.zeros(decoded.count, np.int64), [origin])


def column(name: str, *spans: Span, scope: str = "") -> list[Any]:
    """A column of these spans."""
    return any_column(frame(*spans, scope=scope), name, np.arange(len(spans))).to_pylist()
