"""The table says what each run wrote, and under it what isn't the same."""

from __future__ import annotations

from loadtest.reread.differences import SHOWN, Difference
from loadtest.reread.digest import Summary
from loadtest.reread.report import Compared, table
from tests.builders.decisions import row

SAME = Summary(1_200, "aa")


def test_equal_partitions_and_different_ones() -> None:
    difference = Difference(row(7, cause=4, at=14), row(7, cause=4, at=15), same=True, place=3)
    told = table(
        ["1 worker", "3 workers"],
        [
            Compared("decisions", 0, [SAME, SAME], {}),
            Compared("decisions", 1, [SAME, Summary(1_200, "bb")], {1: difference}),
            Compared("spans", 0, [SAME, SAME], {}),
        ],
    )
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert lines[:2] == ["1 worker 3 workers", "decisions 0 1,200 aa 1,200 aa equal"]
    assert lines[2] == "decisions 1 1,200 aa 1,200 bb DIFFERENT"
    assert lines[3].startswith("decisions all 2,400 ")
    assert lines[3].endswith(" DIFFERENT")
    assert lines[4] == "spans 0 1,200 aa 1,200 aa equal"
    assert lines[5].startswith("spans all 1,200 ")
    assert lines[5].endswith(" equal")
    assert lines[7:] == [
        "decisions, partition 1, row 3",
        "trace 00070007000700070007000700070007, tenant default, revision 1, row decided, cause 4:",
        "at: 14 in 1 worker, 15 in 3 workers",
    ]


def test_long_values_are_cut() -> None:
    long = row(span_ids=list(range(1_000)))
    (_, _, told) = Difference(long, long | {"span_ids": []}, same=True, place=0).lines("here", "one", "other")
    assert "… in one, [] in other" in told
    assert len(told) < SHOWN + 60
