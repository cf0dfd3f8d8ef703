"""What do spans mean? From decoded spans to the columns that rules, rows and signals need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracemill import schema
from tracemill.decode.attributes import ABSENT, Index, texts
from tracemill.decode.groups import Origin, service_codes, text_column
from tracemill.decode.spans import Spans
from tracemill.dialects import classify, parameters, recorded, spoken, tables, words
from tracemill.dialects.usage import Number, settled

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

STATUS_CODES: Final = ("UNSET", "OK", "ERROR")
SPAN_KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
ERROR: Final = 2

_TABLES: Final = (tables.TEXT, tables.LISTS, tables.INTEGERS, tables.NUMBERS, tables.SECONDS, tables.BOOLEANS)
_KEYS: Final = (
    *tables.KIND,
    tables.ENTITY,
    tables.MODEL_NAME,
    *tables.CONTENT["output_messages"],
    *tables.ALL_PARAMETERS,
    *dict.fromkeys(key for table in _TABLES for keys in table.values() for key in keys),
)


@dataclass(frozen=True)
class Frame:
    """Spans with their meaning; `owner` is each span's trace as a number that never falls, `origin` its sender's.

    Text columns are Arrow `string` without nulls; numbers are numpy arrays with a mask of where they are known.
    """

    spans: Spans
    owner: Int
    origin: Int
    origins: Sequence[Origin]
    text: Mapping[str, Any]
    numbers: Mapping[str, Number]
    type_code: classify.Codes

    @property
    def count(self) -> int:
        """How many spans there are."""
        return self.spans.count

    @cached_property
    def kept(self) -> Index:
        """Where the attributes are that are read for kept spans only."""
        return self.spans.attributes.index(tables.KEPT_KEYS)

    @cached_property
    def duration_ns(self) -> Int:
        """End minus start, 0 where the clock went backwards."""
        return np.maximum(self.spans.end_ns - self.spans.start_ns, 0)

    @cached_property
    def error(self) -> Mask:
        """Which spans have the status ERROR."""
        return self.spans.status_code == ERROR

    @cached_property
    def service(self) -> Int:
        """Each span's service as a number."""
        return np.asarray(service_codes(self.origins))[self.origin]

    def of_resource(self, column: str) -> Any:
        """A text column that comes from the resource."""
        return text_column([origin.columns[column] for origin in self.origins], self.origin)


def read(spans: Spans, owner: Int, origin: Int, origins: Sequence[Origin]) -> Frame:
    """Give decoded spans their meaning.

    Args:
        spans: the decoded spans, `n` of them.
        owner: for each span the number of its trace, ascending.
        origin: for each span an index into `origins`.
        origins: who sent them.
    """
    index = spans.attributes.index(_KEYS)
    columns = {name: index.first(keys) for name, keys in (*tables.TEXT.items(), *tables.LISTS.items())}
    text = texts(spans.attributes.values, columns | {"kind": index.first(tables.KIND)}, spans.count)
    text |= _models(spans, index, text)
    text["finish_reason"] = _first_reasons(text["finish_reason"])
    text["error_type"] = words.class_names(text["error_type"])
    kinds = text.pop("kind")
    if _others_used(index, "provider"):
        text["provider"] = words.translated(text["provider"], words.PROVIDERS)
    if _others_used(index, "operation"):
        text["operation"] = words.translated(text["operation"], words.OPERATIONS)
    if any(key in index.positions for key in tables.KIND):
        text["operation"] = words.filled(text["operation"], kinds, words.OPERATION_OF_KIND)
    models = pc.if_else(pc.equal(text["request_model"], ""), text["response_model"], text["request_model"])
    type_code = classify.type_codes(kinds, text["operation"], text["tool_name"], models)
    text |= _names_of_type(spans, index, text, type_code)
    numbers = settled(_numbers(spans, index))
    calls = type_code == classify.LLM
    text["finish_reason"] = _with_reasons(text["finish_reason"], calls, spans, index)
    text, numbers["ttft_ms"] = recorded.filled(spans, spans.status_code == ERROR, calls, text, numbers["ttft_ms"])
    return Frame(spans, owner, origin, origins, text, numbers, type_code)


def _models(spans: Spans, index: Index, text: Mapping[str, Any]) -> dict[str, Any]:
    """The models that were asked and that answered, where one name stands for both or the parameters hold one.

    The parameters name the one that was asked, of a call that failed nothing else does. Whatever else names one is
    then what answered; of a failed call only if it's another.
    """
    requested, answered = text["request_model"], text["response_model"]
    found = {"named": index.first((tables.MODEL_NAME,)), "sent": index.first(tables.ALL_PARAMETERS)}
    if found["named"] is None and found["sent"] is None:
        return {}
    more = texts(spans.attributes.values, found, spans.count)
    named, asked = more["named"], _first(requested, parameters.model(more["sent"]))
    failed = pa.array(spans.status_code == ERROR)
    unsure = pc.or_(pc.equal(asked, ""), pc.and_(failed, pc.equal(named, asked)))
    return {"request_model": _first(asked, named), "response_model": _first(answered, pc.if_else(unsure, "", named))}


def _first(*columns: Any) -> Any:
    """From text columns the first text of each row that isn't empty."""
    result = columns[0]
    for column in columns[1:]:
        result = pc.if_else(pc.equal(result, ""), column, result)
    return result


def _with_reasons(reasons: Any, calls: Mask, spans: Spans, index: Index) -> Any:
    """The reasons why models stopped, those that are missing from the message that a model stopped with."""
    said = index.first(tables.CONTENT["output_messages"])
    missing = calls & np.asarray(pc.equal(reasons, ""))
    if said is None or not missing.any():
        return reasons
    messages = spans.attributes.values.column(said[missing])
    return pc.replace_with_mask(reasons, pa.array(missing), spoken.reasons(messages))


def _names_of_type(spans: Spans, index: Index, text: Mapping[str, Any], type_code: classify.Codes) -> dict[str, Any]:
    """Columns that name a tool or an agent, filled up where its span has a name for all kinds of steps."""
    positions = index.first((tables.ENTITY,))
    if positions is None:
        return {}
    names = texts(spans.attributes.values, {"it": positions}, spans.count)["it"]
    filled = {}
    for column, span_type in tables.NAMES_OF_TYPE.items():
        of_type = pa.array(type_code == classify.SPAN_TYPES.index(span_type))
        filled[column] = pc.if_else(pc.and_(of_type, pc.equal(text[column], "")), names, text[column])
    return filled


def _others_used(index: Index, column: str) -> bool:
    """Whether any span says a column by another name than that of the conventions, and so perhaps in other words."""
    return any(key in index.positions for key in tables.TEXT[column][1:])


def _first_reasons(column: Any) -> Any:
    encoded = column.dictionary_encode()
    reasons = [_head(word) for word in encoded.dictionary.to_pylist()]
    said = [words.FINISH_REASONS.get(reason, reason) for reason in reasons]
    return pa.array(said, pa.string()).take(encoded.indices)


def _head(word: str) -> str:
    """The first entry of a JSON list of texts; any other text as it is."""
    return word[2 : word.index('"', 2)] if word.startswith('["') and '"' in word[2:] else word


def _numbers(spans: Spans, index: Index) -> dict[str, Number]:
    """The columns of `tables`, those of parts only where any span has them."""
    values, result = spans.attributes.values, {}
    readers = (
        (tables.INTEGERS, values.integers, np.int64),
        ({**tables.NUMBERS, **tables.SECONDS}, values.numbers, np.float64),
        (tables.BOOLEANS, values.booleans, np.bool_),
    )
    for table, reader, dtype in readers:
        for name, keys in table.items():
            positions = index.first(keys)
            if positions is None and name not in schema.SPAN_KINDS:
                continue
            column, known = np.zeros(spans.count, dtype), np.zeros(spans.count, np.bool_)
            if positions is not None:
                rows = np.nonzero(positions != ABSENT)[0]
                column[rows], known[rows] = reader(positions[rows])
            result[name] = (column, known)
    return result
