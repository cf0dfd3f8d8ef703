"""Is the store what it has to be? Kept traces whole and once, and every trace row what its spans amount to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from loadtest.chaos.findings import Findings
from loadtest.chaos.stored import Stored
from loadtest.chaos.truth import Truth

FLOATS: Final = frozenset({"cost_usd", "duration_ms", "probability", "adjusted_count"})
"""Sums of floats, added in another order here, may differ in the last digits."""
CLOSE: Final = 1e-9
TRACE_ID_BYTES: Final = 16


def check_kept(truth: Truth, stored: Stored) -> Findings:
    """Of a trace that was kept every span that ever arrived is stored, once; of one that was dropped none."""
    findings = Findings("kept traces")
    wanted = {
        key[:TRACE_ID_BYTES]: truth.spans[key].keys() if verdict.keep else frozenset[bytes]()
        for key, (_, verdict) in truth.latest.items()
    }
    findings.looked_at = len(wanted)
    found = {trace: stored.span_ids.get(trace, []) for trace in wanted}
    findings.note("half kept", _ids(trace for trace, ids in found.items() if ids and wanted[trace] - set(ids)))
    findings.note("lost", _ids(trace for trace, ids in found.items() if wanted[trace] and not ids))
    findings.note("stored though dropped", _ids(trace for trace, ids in found.items() if ids and not wanted[trace]))
    findings.note("spans that never arrived", _ids(t for t, ids in found.items() if wanted[t] and set(ids) - wanted[t]))
    findings.note("spans stored twice", _ids(trace for trace, ids in found.items() if len(ids) != len(set(ids))))
    findings.note("nobody's traces", _ids(stored.span_ids.keys() - wanted.keys()))
    return findings


def check_rows(truth: Truth, stored: Stored) -> Findings:
    """Every trace has one row, which tells its last revision as the independent reader decides it."""
    findings = Findings("trace rows")
    findings.looked_at = len(truth.latest)
    columns = ["revision", "complete", "closed_by", "opened_at", "decision", "policy", "probability"]
    columns += ["adjusted_count", "span_count"]
    found: dict[bytes, list[tuple[Any, ...]]] = {}
    for trace, *row in stored.traces.select("trace_id", *columns).iter_rows():
        found.setdefault(trace, []).append(tuple(row))
    wanted = {key[:TRACE_ID_BYTES]: _row(truth, key) for key in truth.latest}
    findings.note("missing", _ids(wanted.keys() - found.keys()))
    findings.note("nobody's", _ids(found.keys() - wanted.keys()))
    findings.note("twice", _ids(trace for trace, rows in found.items() if len(rows) > 1))
    findings.note(
        "different",
        [
            f"{trace.hex()}: {dict(zip(columns, rows[0], strict=True))}, should be {wanted[trace]}"
            for trace, rows in found.items()
            if trace in wanted and rows[0] != wanted[trace]
        ],
    )
    return findings


def _row(truth: Truth, key: bytes) -> tuple[Any, ...]:
    row, verdict = truth.latest[key]
    decision = "keep" if verdict.keep else "drop"
    told = (row.revision, row.complete, row.closed_by, row.opened_at)
    return (*told, decision, verdict.policy, verdict.probability, verdict.adjusted_count, len(row.span_ids))


def check_sums(truth: Truth, stored: Stored) -> Findings:
    """Each column of a kept trace's row is what its stored spans amount to, unless there became too many of them."""
    findings = Findings("rows against their spans")
    beyond = [key[:TRACE_ID_BYTES] for key in truth.beyond]
    kept = stored.traces.filter(pl.col("decision") == "keep", ~pl.col("trace_id").is_in(beyond))
    columns = [name for name in stored.sums.columns if name != "trace_id"]
    both = kept.join(stored.sums, on="trace_id", suffix="_of_spans")
    findings.looked_at = both.height
    findings.note("without spans", _ids(kept.join(stored.sums, on="trace_id", how="anti")["trace_id"]))
    findings.note("without a row", _ids(stored.sums.join(kept, on="trace_id", how="anti")["trace_id"]))
    for name in columns:
        wrong = both.filter(~_same(name))
        told = zip(wrong["trace_id"], wrong[name], wrong[f"{name}_of_spans"], strict=True)
        findings.note(name, [f"{trace.hex()}: {row!r}, its spans say {spans!r}" for trace, row, spans in told])
    return findings


def _same(name: str) -> pl.Expr:
    row, spans = pl.col(name), pl.col(f"{name}_of_spans")
    close = (row - spans).abs() <= CLOSE * pl.max_horizontal(row.abs(), pl.lit(1.0))
    return row.eq_missing(spans) | close.fill_null(value=False) if name in FLOATS else row.eq_missing(spans)


def _ids(traces: Iterable[bytes] | Mapping[bytes, Any]) -> list[str]:
    return [trace.hex() for trace in traces]
