"""A late span is late at any rate, shares are those of spans and of traces, and the log is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.endurance.plan import LATE_S, Plan
from loadtest.workload import VARIANTS, Workload, is_late
from tracemill import topics

PLAN = Plan(3_600.0, 5_000.0, None, late_every=12, rootless_every=100, seed=1)


@given(st.floats(100, 50_000), st.integers(1, 4))
def test_a_late_span_comes_after_its_time_at_any_rate(rate: float, generators: int) -> None:
    options = replace(PLAN, rate=rate).options(generators)
    assert options["late-after"] * options["request-spans"] / (rate / generators) >= LATE_S - 1e-6


def test_the_share_of_late_spans_is_that_of_the_load() -> None:
    load = Workload(1, 10_000, late_every=PLAN.late_every)
    slots = np.arange(load.block_traces)
    late = sum(int(is_late(load, variant, slots).sum()) for variant in range(VARIANTS))
    spans = VARIANTS * load.block_traces * load.spans_per_trace
    assert late / spans == pytest.approx(PLAN.late_share, rel=0.02)
    assert replace(PLAN, late_every=0).late_share == replace(PLAN, rootless_every=0).rootless_share == 0.0


@pytest.mark.parametrize(("seconds", "window_s"), [(120, 20), (3_600, 600), (36_000, 600)])
def test_windows_are_ten_minutes_or_a_sixth(seconds: float, window_s: float) -> None:
    assert replace(PLAN, seconds=seconds).window_s == window_s


def test_all_records_are_kept_even_if_nothing_were_compressed() -> None:
    spans = PLAN.seconds * PLAN.rate
    otlp = topics.OTLP.config(PLAN.retained_bytes, 8, 1)
    rows = topics.TRACES.config(PLAN.retained_bytes, 8, 1)
    assert int(otlp["retention.bytes"]) * 8 > spans * 700
    assert int(rows["retention.bytes"]) * 8 > spans / 8 * 2_000
