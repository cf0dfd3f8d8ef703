"""How does a column of texts become a column of JSON values? For all rows at once, and one by one where it must be."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

_DECODER: Final = msgspec.json.Decoder(msgspec.Raw)
_STRING: Final = msgspec.json.Decoder(str)
_CONTROL: Final = r"[\x00-\x1f]"
_COMMON: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_RARE: Final = {chr(code): f"\\u{code:04x}" for code in range(32) if chr(code) not in _COMMON}


def quoted(texts: Any) -> Any:
    """Each text as a JSON string, with its quotation marks."""
    escaped = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    for table in (_COMMON, _RARE):
        if not pc.any(pc.match_substring_regex(escaped, _CONTROL)).as_py():
            break
        for character, written in table.items():
            escaped = pc.replace_substring(escaped, character, written)
    return pc.binary_join_element_wise('"', escaped, '"', "")


def embedded(texts: Any) -> Any:
    """Each text as it is where it is JSON by itself, else as a JSON string. Each distinct text is read once."""
    encoded = texts.dictionary_encode()
    words = encoded.dictionary
    valid = np.array([_is_json(word) for word in words.to_pylist()], np.bool_)
    return pc.if_else(pa.array(valid), words, quoted(words)).take(encoded.indices)


def unquoted(texts: Any) -> Any:
    """Each text that is a JSON string as what it says; any other text as it is."""
    strings = pc.starts_with(texts, '"')
    if not pc.any(strings).as_py():
        return texts
    return pc.replace_with_mask(texts, strings, pa.array(map(_said, texts.filter(strings).to_pylist()), pa.string()))


def read(text: Any) -> Any:
    """The value that a text says in JSON; anything else as it is."""
    if not isinstance(text, str):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def written(value: Any, otherwise: str = "") -> str:
    """A value in JSON; `otherwise` where it is nested too deeply for that."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return otherwise


def _said(text: str) -> str:
    try:
        return _STRING.decode(text)
    except msgspec.DecodeError:
        return text


def _is_json(text: str) -> bool:
    try:
        _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
