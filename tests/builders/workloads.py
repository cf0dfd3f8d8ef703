"""Small loads of any shape."""

from __future__ import annotations

from hypothesis import strategies as st

from loadtest.workload import Workload


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    spans_per_trace = draw(st.integers(1, 12))
    return Workload(
        seed=draw(st.integers(0, 2**40)),
        traces=draw(st.integers(0, 120)),
        spans_per_trace=spans_per_trace,
        block_traces=draw(st.integers(1, 20)),
        pieces=draw(st.integers(1, spans_per_trace)),
        spread=draw(st.integers(1, 6)),
        late_every=draw(st.integers(0, 9)) if spans_per_trace > 1 else 0,
        late_after=draw(st.integers(1, 15)),
        rootless_every=draw(st.integers(0, 9)),
    )
