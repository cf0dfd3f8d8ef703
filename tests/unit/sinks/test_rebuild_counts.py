"""How far has a rebuild come, of what it was to read?"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.rebuild_counts import Progress
from sinks.slices import Slice

FROM_MS = 1_000

slices = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6).map(
    lambda bounds: [
        Slice(("spans", "traces")[number % 2], number, start, start + size)
        for number, (start, size) in enumerate(bounds)
    ]
)


@given(slices, st.data())
def test_everything_before_the_time_it_tells_is_stored(of: list[Slice], data: st.DataObject) -> None:
    """A record at offset n was written at n milliseconds after the beginning, in every partition."""
    progress = Progress(of)
    for each in of:
        done = data.draw(st.integers(0, len(each)))
        if done:
            progress.stored[each.key] = each.start + done
            progress.stored_ms[each.key] = FROM_MS + each.start + done - 1
    left = [(each.topic, at) for each in of for at in range(progress.stored.get(each.key, each.start), each.end)]
    assert all(progress.through_ms(FROM_MS) <= FROM_MS + at for _, at in left)
    totals = Counter(each.topic for each in of for _ in range(len(each)))
    undone = Counter(topic for topic, _ in left)
    assert progress.share == pytest.approx(1 - max((undone[topic] / totals[topic] for topic in totals), default=0))
