"""What does a score look like in an answer? The same when it was just sent and when it comes from the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.times import rfc3339
from tracemill.scores import Score, read_value


def sent(score: Score) -> dict[str, Any]:
    """A score on its way to the store."""
    return _shown(score.id, score.span_id, score.name, score.value, score.comment, score.author, score.source) | {
        "at": rfc3339(score.at_ns)
    }


def stored(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the store."""
    value = read_value(row["kind"], row["number"], row["text"])
    shown = _shown(row["id"], row["span_id"], row["name"], value, row["comment"], row["author"], row["source"])
    return shown | {"at": row["at"]}


def _shown(*values: Any) -> dict[str, Any]:
    return dict(zip(("id", "span_id", "name", "value", "comment", "author", "source"), values, strict=True))
