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

from tracemill.decode.attributes import ABSENT, Index, texts
from tracemill.decode.groups import Origin, service_codes, text_column
from tracemill.decode.nested import last_of_events
from tracemill.decode.spans import Spans
from tracemill.dialects import classify, tables

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
    *dict.fromkeys(key for table in _TABLES for keys in table.values() for key in keys),
)
_MODEL: Final = r'"model": ?"(?P<model>[^"\\]{1,200})"'


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
    numbers: Mapping[str, tuple[Any, Mask]]
    type_code: classify.Codes

    @property
    def count(self) -> int:
        """How many spans there are."""
        return self.spans.count

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
    columns = {name: index.first(keys) for name, keys in tables.TEXT.items()}
    text = texts(spans.attributes.values, columns | {"kind": index.first(tables.KIND)}, spans.count)
    text["request_model"] = _with_parameters(text["request_model"], text["model_params"])
    text["error_type"] = _with_exceptions(text["error_type"], spans)
    models = pc.if_else(pc.equal(text["request_model"], ""), text["response_model"], text["request_model"])
    type_code = classify.type_codes(text.pop("kind"), text["operation"], text["tool_name"], models)
    text["finish_reason"] = _first_of_list(spans, index)
    text |= _names_of_type(spans, index, text, type_code)
    return Frame(spans, owner, origin, origins, text, _numbers(spans, index), type_code)


def _with_parameters(models: Any, parameters: Any) -> Any:
    """The requested models, those that are missing from the parameters: of a call that failed nothing else names it."""
    missing = pc.and_(pc.equal(models, ""), pc.not_equal(parameters, ""))
    if not pc.any(missing).as_py():
        return models
    named = pc.struct_field(pc.extract_regex(parameters.filter(missing), _MODEL), 0).fill_null("")
    return pc.replace_with_mask(models, missing, named)


def _with_exceptions(types: Any, spans: Spans) -> Any:
    """The types of errors, those that are missing from the exception that was recorded last on a span that failed."""
    recorded = np.diff(np.asarray(spans.events.offsets)) > 0
    missing = (spans.status_code == ERROR) & recorded & np.asarray(pc.equal(types, ""))
    if not missing.any():
        return types
    return pc.replace_with_mask(
        types, pa.array(missing), last_of_events(spans.events, np.nonzero(missing)[0], "exception.type")
    )


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


def _first_of_list(spans: Spans, index: Index) -> Any:
    values = texts(spans.attributes.values, {"it": index.first(tables.LISTS["finish_reason"])}, spans.count)["it"]
    encoded = values.dictionary_encode()
    return pa.array([_head(word) for word in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _head(word: str) -> str:
    """The first entry of a JSON list of texts; any other text as it is."""
    return word[2 : word.index('"', 2)] if word.startswith('["') and '"' in word[2:] else word


def _numbers(spans: Spans, index: Index) -> dict[str, tuple[Any, Mask]]:
    values, result = spans.attributes.values, {}
    readers = (
        (tables.INTEGERS, values.integers, np.int64, 1),
        (tables.NUMBERS, values.numbers, np.float64, 1),
        (tables.SECONDS, values.numbers, np.float64, 1_000),
        (tables.BOOLEANS, values.booleans, np.bool_, 1),
    )
    for table, reader, dtype, scale in readers:
        for name, keys in table.items():
            positions = index.first(keys)
            column, known = np.zeros(spans.count, dtype), np.zeros(spans.count, np.bool_)
            if positions is not None:
                rows = np.nonzero(positions != ABSENT)[0]
                found, ok = reader(positions[rows])
                column[rows] = found if scale == 1 else found * scale
                known[rows] = ok
            result[name] = (column, known)
    return result
