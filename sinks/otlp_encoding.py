"""What is the OTLP request of rows of the span frame? Columns in, bytes out, nothing per span in Python.

The frame holds attributes as text, so they leave as text, apart from the token counts, costs and times whose type the
conventions give. Content columns leave as the attributes of the current GenAI conventions, the tenant as the
resource's `tracemill.tenant`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sinks.otlp_messages import handlers
from tracemill.bundles import TENANT_ATTRIBUTE
from tracemill.dialects import tables

KINDS: Final = pa.array(["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"])
STATUS_CODES: Final = pa.array(["UNSET", "OK", "ERROR"])

_WHOLE: Final = pa.array(sorted({key for keys in tables.INTEGERS.values() for key in keys}))
_DECIMAL: Final = pa.array(
    sorted({key for table in (tables.NUMBERS, tables.SECONDS) for keys in table.values() for key in keys})
)
_WHOLE_TEXT: Final = r"^-?[0-9]{1,18}$"
_DECIMAL_TEXT: Final = r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$"
_RESOURCE_SPANS: Final = b"\x0a"

Positions = npt.NDArray[np.int64]


def encode(rows: Any) -> bytes:
    """An `ExportTraceServiceRequest` of the rows of an Arrow table of `SPAN_ARROW`; empty for none."""
    if not rows.num_rows:
        return b""
    (batch,) = rows.combine_chunks().to_batches()
    group, firsts = _groups(batch)
    order = np.argsort(group, kind="stable")
    offsets = np.concatenate(([0], np.cumsum(np.bincount(group))))
    spans = _list(offsets, _spans(batch.take(pa.array(order))))
    heads = batch.take(pa.array(firsts))
    scopes = pa.StructArray.from_arrays([heads["scope_name"], heads["scope_version"]], ["name", "version"])
    one_each = np.arange(len(firsts) + 1)
    scope_spans = _list(one_each, pa.StructArray.from_arrays([scopes, spans], ["scope", "spans"]))
    pairs = _attributes(heads["resource_attributes"], {TENANT_ATTRIBUTE: heads["tenant"]})
    resources = pa.StructArray.from_arrays([pairs], ["attributes"])
    messages = _encoded("ResourceSpans", {"resource": resources, "scope_spans": scope_spans})
    return b"".join(part for message in messages.to_pylist() for part in (_RESOURCE_SPANS, _varint(message), message))


def _encoded(message: str, columns: Mapping[str, Any]) -> Any:
    writer = handlers()[message]
    schema = writer.schema()
    arrays = [columns[field.name].cast(field.type) for field in schema]
    return writer.record_batch_to_array(pa.RecordBatch.from_arrays(arrays, schema=schema))


def _groups(batch: Any) -> tuple[Positions, Positions]:
    """Each row's number of tenant, resource and scope, and the first row of each number."""
    resources = _encoded("Resource", {"attributes": _attributes(batch["resource_attributes"])})
    code = np.zeros(batch.num_rows, np.int64)
    for column in (resources, batch["tenant"], batch["scope_name"], batch["scope_version"]):
        distinct = column.dictionary_encode()
        code = code * len(distinct.dictionary) + np.asarray(distinct.indices)
    _, firsts, group = np.unique(code, return_index=True, return_inverse=True)
    return group, firsts


def _spans(batch: Any) -> Any:
    start = batch["started_at"].cast(pa.int64()).fill_null(0)
    duration = batch["duration_ns"].fill_null(0)
    status = [batch["status_message"], pc.index_in(batch["status_code"], STATUS_CODES).fill_null(0)]
    content = {keys[0]: batch[name] for name, keys in tables.CONTENT.items()}
    columns = {
        "trace_id": batch["trace_id"].cast(pa.binary()),
        "span_id": batch["span_id"].cast(pa.binary()),
        "trace_state": batch["trace_state"],
        "parent_span_id": _or_empty(batch["parent_span_id"]),
        "name": batch["name"],
        "kind": pc.index_in(batch["kind"], KINDS).fill_null(0),
        "start": _unsigned(start),
        "end": _unsigned(pc.add(start, duration)),
        "attributes": _attributes(batch["attributes"], content),
        "events": _events(batch["events"]),
        "links": _links(batch["links"]),
        "status": pa.StructArray.from_arrays(status, ["message", "code"]),
    }
    return pa.StructArray.from_arrays(list(columns.values()), list(columns))


def _or_empty(ids: Any) -> Any:
    """Ids of eight zero bytes as none."""
    return pc.if_else(pc.equal(ids, pa.scalar(bytes(8), ids.type)), b"", ids.cast(pa.binary()))


def _unsigned(times: Any) -> Any:
    return times.view(pa.uint64())


def _events(lists: Any) -> Any:
    events = lists.flatten()
    times = _unsigned(pc.struct_field(events, "time").cast(pa.int64()))
    names, pairs = pc.struct_field(events, "name"), _attributes(pc.struct_field(events, "attributes"))
    return _list(_offsets(lists), pa.StructArray.from_arrays([times, names, pairs], ["time", "name", "attributes"]))


def _links(lists: Any) -> Any:
    links = lists.flatten()
    columns = {name: pc.struct_field(links, name).cast(pa.binary()) for name in ("trace_id", "span_id")}
    columns["trace_state"] = pc.struct_field(links, "trace_state")
    columns["attributes"] = _attributes(pc.struct_field(links, "attributes"))
    return _list(_offsets(lists), pa.StructArray.from_arrays(list(columns.values()), list(columns)))


def _attributes(maps: Any, more: Mapping[str, Any] | None = None) -> Any:
    """Lists of `KeyValue`: each row's pairs, then one for each column of `more` where its text isn't empty."""
    lists = maps.cast(pa.list_(pa.struct({"key": pa.string(), "value": pa.string()})))
    pairs = lists.flatten()
    counts = np.diff(_offsets(lists))
    keys, values = [pc.struct_field(pairs, "key")], [pc.struct_field(pairs, "value")]
    owners = [np.repeat(np.arange(len(counts)), counts)]
    for key, column in (more or {}).items():
        filled = np.flatnonzero(np.asarray(pc.greater(pc.binary_length(column).fill_null(0), 0)))
        keys.append(pa.repeat(key, len(filled)))
        values.append(column.take(pa.array(filled)))
        owners.append(filled)
    return _key_values(len(counts), owners, keys, values)


def _key_values(count: int, owners: Sequence[Positions], keys: Sequence[Any], values: Sequence[Any]) -> Any:
    owner = np.concatenate(owners)
    order = pa.array(np.argsort(owner, kind="stable"))
    key = pa.concat_arrays(keys).take(order)
    pairs = pa.StructArray.from_arrays([key, _typed(key, pa.concat_arrays(values).take(order))], ["key", "value"])
    return _list(np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=count)))), pairs)


def _typed(keys: Any, texts: Any) -> Any:
    """Values as text, those of keys that the conventions give a number as numbers where they read as one."""
    texts = texts.fill_null("")
    whole = pc.and_(pc.is_in(keys, _WHOLE), pc.match_substring_regex(texts, _WHOLE_TEXT))
    decimal = pc.and_(pc.is_in(keys, _DECIMAL), pc.match_substring_regex(texts, _DECIMAL_TEXT))
    none = pa.scalar(None, pa.string())
    columns = {
        "string_value": pc.if_else(pc.or_(whole, decimal), none, texts),
        "int_value": pc.if_else(whole, texts, none).cast(pa.int64()),
        "double_value": pc.if_else(decimal, texts, none).cast(pa.float64()),
    }
    return pa.StructArray.from_arrays(list(columns.values()), list(columns))


def _offsets(lists: Any) -> Positions:
    """Where each list begins in `lists.flatten()`, and where the last one ends; a null list is empty."""
    return np.concatenate(([0], np.cumsum(np.asarray(pc.list_value_length(lists).fill_null(0)))))


def _list(offsets: Positions, values: Any) -> Any:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _varint(message: bytes) -> bytes:
    left, out = len(message), bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)
