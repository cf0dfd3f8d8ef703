"""A store as it has to be is found to be right; a loss, a double, a half-kept trace and a wrong row are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from loadtest.chaos.findings import Findings
from loadtest.chaos.rows import check_kept, check_rows, check_sums
from loadtest.chaos.stored import Stored
from tests.builders.chaotic import left

Plant = Callable[[Stored], Stored]


def _wrong(findings: Findings) -> dict[str, int]:
    return {what: count for what, count in findings.counts.items() if count}


def _dropped(stored: Stored) -> bytes:
    return stored.traces.filter(pl.col("decision") == "drop")["trace_id"][0]


def _without_a_span(stored: Stored) -> Stored:
    return replace(stored, spans=stored.spans[1:])


def _without_a_trace(stored: Stored) -> Stored:
    return replace(stored, spans=stored.spans.filter(pl.col("trace_id") != stored.spans["trace_id"][0]))


def _with_a_span_twice(stored: Stored) -> Stored:
    return replace(stored, spans=pl.concat([stored.spans, stored.spans[:1]]))


def _with_a_span_of(trace: Callable[[Stored], bytes]) -> Plant:
    def plant(stored: Stored) -> Stored:
        more = stored.spans[:1].with_columns(trace_id=pl.lit(trace(stored)), span_id=pl.lit(b"elsewhat"))
        return replace(stored, spans=pl.concat([stored.spans, more]))

    return plant


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (lambda stored: stored, {}),
        (_without_a_span, {"half kept": 1}),
        (_without_a_trace, {"lost": 1}),
        (_with_a_span_twice, {"spans stored twice": 1}),
        (_with_a_span_of(_dropped), {"stored though dropped": 1}),
        (_with_a_span_of(lambda stored: stored.spans["trace_id"][0]), {"spans that never arrived": 1}),
        (_with_a_span_of(lambda _: bytes(16)), {"nobody's traces": 1}),
    ],
)
def test_kept_traces_are_whole_and_there_once(plant: Plant, found: dict[str, int]) -> None:
    there = left()
    findings = check_kept(there.truth, plant(there.stored))
    assert findings.looked_at > 350
    assert _wrong(findings) == found


def _row(**values: object) -> Plant:
    def plant(stored: Stored) -> Stored:
        changed = stored.traces[:1].with_columns(**{name: pl.lit(value) for name, value in values.items()})
        return replace(stored, traces=pl.concat([stored.traces[1:], changed], how="vertical_relaxed"))

    return plant


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (lambda stored: stored, {}),
        (_row(policy="another"), {"different": 1}),
        (_row(probability=0.125), {"different": 1}),
        (_row(adjusted_count=3.0), {"different": 1}),
        (_row(revision=9), {"different": 1}),
        (_row(span_count=7_000), {"different": 1}),
        (_row(closed_by="max_age"), {"different": 1}),
        (_row(trace_id=bytes(16)), {"missing": 1, "nobody's": 1}),
        (lambda stored: replace(stored, traces=stored.traces[1:]), {"missing": 1}),
        (lambda stored: replace(stored, traces=pl.concat([stored.traces, stored.traces[:1]])), {"twice": 1}),
    ],
)
def test_every_trace_has_the_row_of_its_last_revision(plant: Plant, found: dict[str, int]) -> None:
    there = left()
    assert _wrong(check_rows(there.truth, plant(there.stored))) == found


def _sum(**values: object) -> Plant:
    def plant(stored: Stored) -> Stored:
        changed = stored.sums[:1].with_columns(**{name: pl.lit(value) for name, value in values.items()})
        return replace(stored, sums=pl.concat([stored.sums[1:], changed], how="vertical_relaxed"))

    return plant


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (lambda stored: stored, {}),
        (lambda stored: replace(stored, sums=stored.sums.with_columns(pl.col("cost_usd") * (1 + 1e-13))), {}),
        (_sum(span_count=7_000), {"span_count": 1}),
        (_sum(cost_usd=7_000.0), {"cost_usd": 1}),
        (_sum(duration_ms=None), {"duration_ms": 1}),
        (_sum(policy="(several)"), {"policy": 1}),
        (lambda stored: replace(stored, sums=stored.sums[1:]), {"without spans": 1}),
        (_sum(trace_id=bytes(16)), {"without spans": 1, "without a row": 1}),
    ],
)
def test_every_row_is_what_its_spans_amount_to(plant: Plant, found: dict[str, int]) -> None:
    findings = check_sums(left().truth, plant(left().stored))
    assert findings.looked_at > 100
    assert _wrong(findings) == found
