"""How does a column of texts become a column of JSON values? For all rows at once."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_DECODER: Final = msgspec.json.Decoder(msgspec.Raw)
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


def _is_json(text: str) -> bool:
    try:
        _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
