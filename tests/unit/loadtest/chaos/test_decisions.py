"""Decisions as they have to be are found to be right; whatever is wrong with one of them is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loadtest.chaos.decisions import Told, check_decisions
from loadtest.chaos.run import ASSEMBLY
from loadtest.reader.assembly import Reader
from tests.builders.chaotic import Left, left, logs

Rows = list[dict[str, Any]]
Plant = Callable[[Rows], Rows]


def _found(left_behind: Left) -> dict[str, int]:
    findings = check_decisions(left_behind.truth, left_behind.told)
    return {what: count for what, count in findings.counts.items() if count}


def _decided(rows: Rows) -> list[int]:
    return [place for place, row in enumerate(rows) if row["row"] == "decided"]


def _changed(**values: Any) -> Plant:
    def plant(rows: Rows) -> Rows:
        place = _decided(rows)[3]
        changed = {name: value(rows[place][name]) for name, value in values.items()}
        return [*rows[:place], {**rows[place], **changed}, *rows[place + 1 :]]

    return plant


def _lost(rows: Rows) -> Rows:
    last = {row["trace_id"]: place for place, row in enumerate(rows) if row["row"] == "decided"}
    place = min(last.values())
    return rows[:place] + rows[place + 1 :]


def _invented(rows: Rows) -> Rows:
    return [*rows, {**rows[_decided(rows)[0]], "trace_id": bytes(16)}]


def _swapped(rows: Rows) -> Rows:
    first = next(place for place in _decided(rows) if rows[place]["trace_id"] != rows[place + 1]["trace_id"])
    return [*rows[:first], rows[first + 1], rows[first], *rows[first + 2 :]]


def _told_again_otherwise(rows: Rows) -> Rows:
    place = _decided(rows)[2]
    return [*rows, {**rows[place], "keep": not rows[place]["keep"]}]


def test_what_the_pipeline_decides_is_right() -> None:
    undisturbed = left()
    assert _found(undisturbed) == {}
    assert check_decisions(undisturbed.truth, undisturbed.told).looked_at > 400


def test_what_is_told_again_in_the_same_words_counts_once() -> None:
    undisturbed = left()
    for partition in undisturbed.told:
        partition.take(partition.rows[-20:])
    assert _found(undisturbed) == {}


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (_changed(keep=lambda keep: not keep), {"different": 1}),
        (_changed(policy=lambda _: "another"), {"different": 1}),
        (_changed(probability=lambda _: 0.125), {"different": 1}),
        (_changed(closed_by=lambda _: "memory"), {"different": 1}),
        (_changed(cause=lambda cause: cause + 1), {"different": 1}),
        (_changed(at=lambda at: at + 1), {"different": 1}),
        (_changed(span_ids=lambda ids: ids[1:]), {"different": 1}),
        (_lost, {"missing": 1}),
        (_invented, {"without reason": 1}),
        (_swapped, {"out of order": 2}),
        (_told_again_otherwise, {"told twice, differently": 1}),
    ],
)
def test_what_is_planted_is_found(plant: Plant, found: dict[str, int]) -> None:
    planted = left()
    told = Told()
    told.take(plant([dict(row) for row in planted.told[1].rows]))
    planted.told[1] = told
    assert _found(planted) == found


def test_a_trace_that_nobody_closed_is_found() -> None:
    cut = left()
    at_ms, value, _ = logs()[0][1]
    cut.truth.readers[0] = Reader(ASSEMBLY)
    cut.truth.readers[0].record(at_ms, value)
    assert _found(cut)["open at the end"] > 0


def test_a_check_of_nothing_proves_nothing() -> None:
    empty = left()
    empty.truth.readers.clear()
    empty.told.clear()
    assert not check_decisions(empty.truth, empty.told).clean
