"""With which parameters was a model called? One JSON object, from an attribute each or from one that holds them all."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracemill.decode.attributes import ABSENT, Attributes, Index
from tracemill.decode.values import Values, read_plain
from tracemill.dialects import tables
from tracemill.dialects.json_text import read, written

Int = npt.NDArray[np.int64]

_MODEL: Final = r'"model": ?"(?P<model>[^"\\]{1,200})"'
_SAID_ELSEWHERE: Final = ("model", "messages", "input", "prompt", "tools", "stream_options")
_SAME: Final = {
    "stop_sequences": "stop",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
}
"""Parameters of other APIs, and of its other calls, by the name in the OpenAI API's chat."""
_REMEMBERED: Final = 4_096


def model(texts: Any) -> Any:
    """The model that each JSON object of parameters names, `''` where it names none."""
    encoded = texts.dictionary_encode()
    found = pc.struct_field(pc.extract_regex(encoded.dictionary, _MODEL), 0).fill_null("")
    return found.take(encoded.indices)


def column(attributes: Attributes, index: Index, rows: Int) -> Any:
    """The parameters of the spans at `rows` as JSON objects, `''` where a span names none.

    They are few and the same again and again: each distinct set of them is written once.
    """
    apart = _apart(attributes.values, index, rows)
    positions = index.first(tables.ALL_PARAMETERS)
    if positions is None:
        return apart
    encoded = attributes.values.column(positions[rows]).dictionary_encode()
    whole = pa.array(map(_trimmed, encoded.dictionary.to_pylist()), pa.string()).take(encoded.indices)
    return pc.if_else(pc.equal(whole, ""), apart, whole)


@lru_cache(_REMEMBERED)
def _trimmed(text: str) -> str:
    """An object of parameters without what other columns hold and what isn't wanted; other text stays as it is."""
    sent = read(text)
    if not isinstance(sent, dict):
        return text
    kept = {
        _SAME.get(name, name): value
        for name, value in sent.items()
        if name not in _SAID_ELSEWHERE and value is not None and value is not False
    }
    return written(kept, text) if kept else ""


def _apart(values: Values, index: Index, rows: Int) -> Any:
    """What attributes say that hold a parameter each, in the order of `tables.PARAMETERS`."""
    written, codes = [""], np.zeros(len(rows), np.int64)
    for name, keys in tables.PARAMETERS.items():
        positions = index.first(keys)
        if positions is not None:
            members, chosen = _members(values, name, positions[rows])
            pairs = pa.array(codes * len(members) + chosen).dictionary_encode()
            split = [divmod(pair, len(members)) for pair in pairs.dictionary.to_pylist()]
            written = [_joined(written[before], members[member]) for before, member in split]
            codes = np.asarray(pairs.indices).astype(np.int64)
    return pa.array([f"{{{text}}}" if text else "" for text in written], pa.string()).take(pa.array(codes))


def _members(values: Values, name: str, positions: Int) -> tuple[list[str], Int]:
    """The distinct ways in which an object says a parameter, the first of them not at all, and which a span takes."""
    there = positions != ABSENT
    encoded = values.array.take(pa.array(positions[there])).dictionary_encode()
    chosen = np.zeros(len(positions), np.int64)
    chosen[there] = np.asarray(encoded.indices) + 1
    return ["", *(_member(name, value) for value in encoded.dictionary.to_pylist())], chosen


@lru_cache(_REMEMBERED)
def _member(name: str, value: bytes) -> str:
    """A parameter as a member of an object, from the bytes of its `AnyValue`; of what isn't wanted nothing."""
    plain = read_plain(value)
    return "" if plain is None or plain is False else f'"{name}":{written(plain)}'


def _joined(*members: str) -> str:
    return ",".join(filter(None, members))
