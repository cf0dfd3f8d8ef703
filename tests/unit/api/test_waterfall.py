"""Bars lie within their trace, wherever its spans are in time."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.times import rfc3339
from api.waterfall import draw

NOW = 1_795_000_000_000_000_000


def span(number: int, offset_ns: int, duration_ns: int) -> dict[str, Any]:
    """A child of the first span."""
    return {
        "span_id": f"{number:016x}",
        "parent_span_id": f"{0:016x}" if number else "",
        "started_at": rfc3339(NOW + offset_ns),
        "duration_ns": duration_ns,
    }


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), max_size=8).map(sorted))
def test_no_bar_leaves_its_trace(times: list[tuple[int, int]]) -> None:
    drawn = draw([span(number, *each) for number, each in enumerate(times)])
    assert len(drawn.bars) == len(times)
    for bar in drawn.bars:
        assert 0 <= bar.left <= 100
        assert bar.width >= 0
        assert bar.left + bar.width <= 100 + 1e-9
        assert bar.duration_ms == bar.span["duration_ns"] / 1e6
    assert [place for place, _ in drawn.ticks] == [0, 25, 50, 75, 100]
    assert drawn.ticks[-1][1] == drawn.total_ms


def test_places() -> None:
    first, second = draw([span(0, 0, 4_000_000), span(1, 1_000_000, 2_000_000)]).bars
    assert (first.left, first.width, second.left, second.width) == (0, 100, 25, 50)
    assert (second.offset_ms, second.depth, second.number) == (1.0, 1, 1)
