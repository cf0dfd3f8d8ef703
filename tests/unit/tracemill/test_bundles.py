"""An index says what it was made of, or is refused: no part of a bundle ends before it begins or outside of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemill.bundles import BundleError, Group, pack_index, read_index

SIZE = 100
GROUP = Group((0, 10), (10, 15), (15, 20), ((b"t" * 16, 20, 60, 3), (b"u" * 16, 60, SIZE, 2)))


@st.composite
def parts(draw: st.DrawFn) -> tuple[int, int]:
    start = draw(st.integers(0, SIZE))
    return start, draw(st.integers(start, SIZE))


CHUNKS = st.lists(st.tuples(st.binary(min_size=16, max_size=16), parts(), st.integers(0, 2**32 - 1)), max_size=3)
GROUPS = st.builds(
    lambda resource, tenant, scope, chunks: Group(
        resource, tenant, scope, tuple((trace, start, end, spans) for trace, (start, end), spans in chunks)
    ),
    *(parts(), parts(), parts(), CHUNKS),
)


@given(st.lists(GROUPS, max_size=3))
def test_an_index_says_what_it_was_made_of(groups: list[Group]) -> None:
    assert list(read_index(pack_index(groups), SIZE)) == groups


@pytest.mark.parametrize("part", [(30, 29), (SIZE, 0), (0, SIZE + 1), (SIZE + 1, SIZE + 1)])
@pytest.mark.parametrize("name", ["resource", "tenant", "scope", "chunk"])
def test_a_part_that_ends_outside_the_value_or_before_it_begins_is_refused(name: str, part: tuple[int, int]) -> None:
    changed = {"chunks": ((b"t" * 16, *part, 2),)} if name == "chunk" else {name: part}
    with pytest.raises(BundleError, match=f"a part from byte {part[0]} to {part[1]} of a value of {SIZE}"):
        list(read_index(pack_index([GROUP, replace(GROUP, **changed)]), SIZE))


@pytest.mark.parametrize(
    ("index", "says"),
    [
        (b"", "index version missing"),
        (b"\x02", "index version 2"),
        (pack_index([GROUP])[:-1], "cut short in a group's chunks"),
        (pack_index([GROUP]) + b"x", "cut short in a group"),
    ],
)
def test_an_index_of_another_version_or_cut_short_is_refused(index: bytes, says: str) -> None:
    with pytest.raises(BundleError, match=says):
        list(read_index(index, SIZE))
