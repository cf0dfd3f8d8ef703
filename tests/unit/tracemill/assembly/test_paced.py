"""A trace that waits for a time of its own is due once, when nothing has come for it for so long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.builders.traces import open_trace
from tracemill.assembly.paced import Paced
from tracemill.assembly.trace import OpenTrace

WAITS = {number: 10 * number for number in range(1, 5)}
COMES = st.lists(st.tuples(st.integers(0, 15), st.sampled_from(sorted(WAITS)) | st.none()), max_size=40)
"""How much later something comes, and for which trace; or nothing, and one asks what is due."""


def wait(trace: OpenTrace) -> int:
    return WAITS[trace.key[1]]


@given(COMES)
def test_each_is_due_when_it_has_been_quiet_for_its_time(comes: list[tuple[int, int | None]]) -> None:
    paced, now, found, wanted = Paced(lambda trace: trace.last_at + wait(trace)), 0, [], []
    waiting: dict[int, OpenTrace] = {}
    for step, number in [*comes, (1_000, None)]:
        now += step
        wanted += sorted((t.last_at + wait(t), n) for n, t in waiting.items() if t.last_at + wait(t) <= now)
        for at, trace in sorted(paced.due(now), key=lambda one: (one[0], one[1].key)):
            found.append((at, trace.key[1]))
            del waiting[trace.key[1]]
            trace.is_open = False
        if number is not None:
            trace = waiting.setdefault(number, open_trace(number))
            trace.last_at = now
            paced.add(trace)
    assert found == wanted
    assert paced.next_due() is None


def test_it_says_when_the_first_is_due_and_what_was_closed_meanwhile_is_not() -> None:
    paced = Paced(lambda trace: trace.last_at + wait(trace))
    assert paced.next_due() is None
    soon, later = open_trace(1), open_trace(3)
    paced.add(later)
    paced.add(soon)
    assert paced.next_due() == 10
    soon.is_open = False
    assert paced.next_due() == 30
    later.last_at = 7
    assert paced.next_due() == 37
    assert list(paced.due(36)) == []
    assert list(paced.due(37)) == [(37, later)]
