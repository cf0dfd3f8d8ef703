"""What was acknowledged survives its file."""

from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from loadtest.claims import Claim, members, ranges, read_claims, write_claims
from loadtest.workload import Workload


@given(st.sets(st.integers(0, 200)))
def test_ranges_hold_exactly_the_numbers_and_are_as_few_as_can_be(numbers: set[int]) -> None:
    made = ranges(numbers)
    assert list(members(made)) == sorted(numbers)
    assert all(first[1] < second[0] for first, second in itertools.pairwise(made))


def test_claims_come_back_as_they_were_written(tmp_path: Path) -> None:
    claims = [
        Claim(Workload(seed=3, traces=70, late_every=9), "acme", ranges([0, 1, 2, 5]), ranges([4])),
        Claim(Workload(seed=4, traces=1, profile="fat"), "default", (), ()),
    ]
    write_claims(tmp_path / "ledger", claims)
    assert read_claims(tmp_path / "ledger") == claims
    assert [path.name for path in tmp_path.iterdir()] == ["ledger"]
