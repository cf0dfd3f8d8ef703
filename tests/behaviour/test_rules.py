"""The cases in rules/*.yaml, which an operator can read: given rules and a trace, what is decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from tracemill.expressions.polars_rendering import attribute_column
from tracemill.sampling import RuleSet, decide, read_upstream
from tracemill.sampling.vocabulary import SPAN_COLUMNS, TRACE_COLUMNS
from tracemill.schema import Kind

ROOT = Path(__file__).parents[2]
FILES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
CASES = [
    (file, document, case)
    for file in FILES
    for document in [yaml.safe_load(file.read_text())]
    for case in document["cases"]
]
TYPES = {
    Kind.TEXT: pl.String,
    Kind.IDENTIFIER: pl.Binary,
    Kind.INTEGER: pl.Int64,
    Kind.NUMBER: pl.Float64,
    Kind.BOOLEAN: pl.Boolean,
    Kind.TIME: pl.Datetime("ns", "UTC"),
    Kind.TEXT_LIST: pl.List(pl.String),
}
ABSENT = {Kind.TEXT: "", Kind.TEXT_LIST: [], Kind.IDENTIFIER: b""}

Row = dict[str, Any]


def frame(rows: list[Row], kinds: dict[str, Kind]) -> pl.DataFrame:
    for row in rows:
        assert row.keys() <= kinds.keys(), f"no such column: {row.keys() - kinds.keys()}"
    usable = {name: TYPES[kind] for name, kind in kinds.items() if kind in TYPES}
    complete = [[row.get(name, ABSENT.get(kinds[name])) for name in usable] for row in rows]
    return pl.DataFrame(complete, schema=usable, orient="row")


def spans_of(case: Row, rules: RuleSet) -> pl.DataFrame:
    given = [dict(span) for span in case.get("spans", [{}])]
    attributes = [span.pop("attributes", {}) for span in given]
    states = pl.Series("trace_state", [span.pop("trace_state", "") for span in given])
    spans = frame(given, dict(SPAN_COLUMNS)).with_columns(states)
    for source, key in rules.span_needs.attributes:
        values = [str(found.get(key, "")) for found in attributes]
        spans = spans.with_columns(pl.Series(attribute_column(source, key), values))
    return spans


@pytest.mark.parametrize(
    ("file", "document", "case"), CASES, ids=[f"{file.stem}: {case['it']}" for file, _, case in CASES]
)
def test_case(file: Path, document: Row, case: Row) -> None:
    text = document.get("rules") or (ROOT / document["file"]).read_text()
    rules = RuleSet.parse(text)
    spans = spans_of(case, rules)
    trace_of_span = np.zeros(spans.height, np.int32)
    trace_id = bytes.fromhex(str(case.get("trace_id", "0" * 32)))
    upstream = read_upstream([trace_id], spans["trace_state"], trace_of_span)
    found = decide(rules, frame([case.get("trace", {})], dict(TRACE_COLUMNS)), spans, trace_of_span, upstream)
    row = {
        "decision": "keep" if found.kept[0] else "drop",
        "policy": found.policy[0],
        "probability": found.probability[0],
        "adjusted_count": found.adjusted_count[0],
    }
    assert case["gives"].items() <= row.items(), row
