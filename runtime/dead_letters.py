"""How is a record written down that nobody could read or take? What it was, where it lies, and why it was refused."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tracemill.errors import Refused

Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read; `timestamp_ms` is -1 where the broker knows none."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    headers: Headers
    value: bytes


def dead_letter(record: Record, why: Refused, content: bool) -> bytes:
    """The JSON value for `dead-letters.v1`; the record's bytes, in base64, only where `content` is wanted."""
    letter: dict[str, Any] = {
        "reason": why.reason.value,
        "text": str(why),
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "length": len(record.value),
        "sha256": hashlib.sha256(record.value).hexdigest(),
        "headers": {name: _text(value) for name, value in record.headers},
    }
    if content:
        letter["content"] = base64.b64encode(record.value).decode()
    return json.dumps(letter, ensure_ascii=False, separators=(",", ":")).encode()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "backslashreplace")
