"""What is asked for by times, and what is said about it."""

from __future__ import annotations

import pytest

from cli.rebuild import window
from cli.rebuild_words import Telling, moment, preface, stopped, totals
from runtime.dead_letters import Record
from sinks.reach import Extent, Reach
from sinks.rebuild_counts import Progress
from sinks.rebuild_plan import Plan
from sinks.slices import GONE, Loss, Slice
from tracemill.config import ConfigError
from tracemill.errors import Malformed, Reason

NOW_MS = 1_795_000_000_000
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("texts", "ends"),
    [
        (("oldest", None), (None, None)),
        (("-6h", None), (NOW_MS - 6 * HOUR_MS, None)),
        (("2026-11-18T00:00Z", "2026-11-18T06:00Z"), (1_794_960_000_000, 1_794_981_600_000)),
        (("oldest", "1h"), (None, NOW_MS - HOUR_MS)),
        (("1h", "now"), (NOW_MS - HOUR_MS, None)),
        (("1h", "2030-01-01"), (NOW_MS - HOUR_MS, None)),
    ],
)
def test_two_times_are_a_window(texts: tuple[str, str | None], ends: tuple[int | None, int | None]) -> None:
    assert window(*texts, NOW_MS) == ends


@pytest.mark.parametrize("texts", [("now", None), ("2030-01-01", None), ("1h", "1h"), ("1h", "2h"), ("1h", "soon")])
def test_a_window_without_anything_in_it_is_refused(texts: tuple[str, str | None]) -> None:
    with pytest.raises(ConfigError):
        window(*texts, NOW_MS)


def lines(asked_ms: int | None, *reaches: Reach, unexpired_ms: int = 0) -> list[str]:
    slices = [Slice("spans", 0, 0, 1_200)]
    return list(preface(Plan(reaches, slices, asked_ms, NOW_MS - HOUR_MS, unexpired_ms), 30))


WHOLE = Reach("spans", {0: Extent(0, 9, NOW_MS)})
CUT = Reach("traces", {0: Extent(4, 9, NOW_MS - HOUR_MS)})
EMPTIED = Reach("traces", {0: Extent(0, 9, NOW_MS), 3: Extent(4, 4, None), 5: Extent(6, 6, None)})
READ = "1,200 records to read, written since 2026-11-18T10:06:40.000Z"


def test_it_says_how_far_back_each_topic_goes_and_what_is_missing() -> None:
    cut = "traces reaches back to 2026-11-18T10:06:40.000Z"
    assert lines(NOW_MS, WHOLE, CUT) == ["spans has every record that was ever written to it", cut, READ]
    missing = "What is older than 2026-11-18T10:06:40.000Z can't be rebuilt: the log no longer has all of it"
    assert lines(1, CUT) == [cut, missing, READ]
    expired = "What is older than 2026-10-19T00:00:00.000Z has expired (sinks.retention_days: 30) and is left out"
    assert lines(None, CUT, unexpired_ms=1_792_368_000_000) == [cut, expired, READ]


def test_a_partition_without_its_records_is_named_and_never_called_empty() -> None:
    assert lines(NOW_MS, EMPTIED)[:2] == [
        "traces holds nothing any longer of what was in partition 3, 5",
        "What is older than now can't be rebuilt: the log no longer has all of it",
    ]


def test_a_time_is_told_as_it_can_be_asked_for() -> None:
    assert window(moment(NOW_MS - 123), None, NOW_MS) == (NOW_MS - 123, None)


def progress() -> Progress:
    made = Progress([Slice("spans", 0, 0, 8), Slice("traces", 0, 0, 2)])
    made.rows |= {"spans_in": 12_345, "traces_in": 0, "scores_in": 7}
    made.records, made.bytes, made.stored, made.stored_ms = 7, 1_500_000, {("spans", 0): 5}, {("spans", 0): NOW_MS}
    return made


def test_the_last_line_has_the_totals_and_what_is_missing() -> None:
    done = progress()
    assert totals(done, 2, dry=True) == "7 records (1.5 MB) hold 12,345 spans, 0 trace rows and 7 scores"
    assert (
        totals(done, 2, dry=False) == "stored 12,345 spans, 0 trace rows and 7 scores from 7 records (1.5 MB) in 2.0 s"
    )
    done.lost, done.refused = 3, 2
    assert "; 2 records can't be read: the sinks set them aside" in totals(done, 2, dry=False)
    assert totals(done, 2, dry=False).endswith("; 3 records can't be had from the log any longer")


def test_who_stops_it_is_told_where_to_go_on() -> None:
    assert stopped(progress(), NOW_MS - HOUR_MS).startswith(
        "stopped after 0%, 12,345 spans, 0 trace rows and 7 scores; all that was written before "
        "2026-11-18T10:06:40.000Z is stored: go on with --from 2026-11-18T10:06:40.000Z"
    )


def test_progress_is_rows_share_and_rate(capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([10.0, 15.0, 20.0])
    telling, done = Telling(lambda: next(clock)), progress()
    done.stored["traces", 0] = 2
    telling.goes_on(done)
    done.rows["traces_in"] = 100
    telling.goes_on(done)
    assert capsys.readouterr().err == " 62%  12,352 rows  2,470 rows/s\n 62%  12,452 rows  20 rows/s\n"


def test_losses_and_refusals_are_named_until_there_are_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    telling = Telling(lambda: 0.0)
    telling.lost(Loss(("spans", 3), 7, 1, GONE))
    telling.lost(Loss(("spans", 3), 7, 3, GONE))
    record = Record("traces", 1, 9, 0, (), b"")
    for _ in range(200):
        telling.refused(record, Malformed(Reason.WRONG_SCHEMA, "not a\nrow"))
    said = capsys.readouterr().err.splitlines()
    assert said[:3] == [
        "record spans/3@7 is no longer in the log",
        "record spans/3@7 to @9 are no longer in the log",
        "record traces/1@9 is left out: wrong_schema: not a⟨U+000A⟩row",
    ]
    assert len(said) == 101
    assert said[-1] == "… and so on: from here on they are only counted"
