"""What protobuf says is in raw spans, one by one, against the columns that are decoded from all of them at once.

Of a value that an attribute holds twice the last counts; protobuf would merge them, which no SDK relies on.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from tracemill.decode import nested
from tracemill.decode.spans import Spans
from tracemill.decode.values import read_text
from tracemill.schema import SPAN_ARROW

LAST_NS = 2**63 - 1
_Field = descriptor_pb2.FieldDescriptorProto


def _with_raw_values() -> Any:
    """`ScopeSpans` whose attribute values are left as the bytes that came last."""
    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2, trace_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            if message.name == "KeyValue":
                (value,) = (field for field in message.field if field.name == "value")
                value.type = _Field.TYPE_BYTES
                value.ClearField("type_name")
        pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("opentelemetry.proto.trace.v1.ScopeSpans"))


RawSpans: Any = _with_raw_values()


def expected(joined: bytes) -> list[dict[str, Any]]:
    """Each span in joined chunks, as protobuf reads it."""
    return [
        {
            "id": span.span_id,
            "parent": span.parent_span_id or bytes(8),
            "trace_state": span.trace_state,
            "name": span.name,
            "kind": span.kind,
            "start": min(span.start_time_unix_nano, LAST_NS),
            "end": min(span.end_time_unix_nano, LAST_NS),
            "status": (span.status.code, span.status.message),
            "attributes": _pairs(span.attributes),
            "events": [
                (min(event.time_unix_nano, LAST_NS), event.name, _pairs(event.attributes)) for event in span.events
            ],
            "links": [
                (_sized(link.trace_id, 16), _sized(link.span_id, 8), link.trace_state, _pairs(link.attributes))
                for link in span.links
            ],
        }
        for span in RawSpans.FromString(joined).spans
    ]


def found(spans: Spans) -> list[dict[str, Any]]:
    """The same from decoded columns."""
    rows = np.arange(spans.count)
    columns = {
        "id": [number.tobytes() for number in spans.span_id],
        "parent": [number.tobytes() for number in spans.parent_id],
        "trace_state": spans.trace_state.to_pylist(),
        "name": spans.name.to_pylist(),
        "kind": spans.kind.tolist(),
        "start": spans.start_ns.tolist(),
        "end": spans.end_ns.tolist(),
        "status": list(zip(spans.status_code.tolist(), spans.status_message.to_pylist(), strict=True)),
        "attributes": _attributes(spans),
        "events": _events(nested.events(spans.events, rows, SPAN_ARROW.field("events").type)),
        "links": [
            [tuple(one.values()) for one in each]
            for each in nested.links(spans.links, rows, SPAN_ARROW.field("links").type).to_pylist()
        ],
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _events(lists: Any) -> list[list[tuple[int, str, list[tuple[str, str]]]]]:
    time, name, attributes = lists.flatten().flatten()
    told = list(zip(time.cast(pa.int64()).to_pylist(), name.to_pylist(), attributes.to_pylist(), strict=True))
    offsets = lists.offsets.to_pylist()
    return [told[start:end] for start, end in pairwise(offsets)]


def _attributes(spans: Spans) -> list[list[tuple[str, str]]]:
    attributes = spans.attributes
    keys = attributes.keys.to_pylist()
    texts = attributes.values.text(np.arange(len(attributes.owner))).to_pylist()
    owned: list[list[tuple[str, str]]] = [[] for _ in range(spans.count)]
    for owner, code, text in zip(attributes.owner, attributes.code, texts, strict=True):
        owned[owner].append((keys[code], text))
    return owned


def _pairs(attributes: Any) -> list[tuple[str, str]]:
    return [(pair.key, read_text(pair.value)) for pair in attributes]


def _sized(value: bytes, size: int) -> bytes:
    return value[:size].ljust(size, b"\0")
