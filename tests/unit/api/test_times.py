"""What a text says about a moment, and what is told when it says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import Problem
from api.times import DEFAULT_WINDOW_NS, SECOND_NS, Window, moment, rfc3339, window

NOW = 1_795_000_000_123_456_789
HOUR = 3_600 * SECOND_NS


@given(st.integers(0, 2**63 - 1))
def test_what_is_written_is_read_again(at_ns: int) -> None:
    assert moment("from", rfc3339(at_ns), NOW) == at_ns


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("now", NOW),
        ("1h", NOW - HOUR),
        ("-1h", NOW - HOUR),
        ("15m", NOW - HOUR // 4),
        ("90s", NOW - 90 * SECOND_NS),
        ("2d", NOW - 48 * HOUR),
        ("1w", NOW - 168 * HOUR),
        ("999999w", 0),
        ("0", 0),
        ("1769860800", 1_769_860_800 * SECOND_NS),
        ("1769860800.25", 1_769_860_800 * SECOND_NS + 250_000_000),
        ("9999999999", 2**63 - 1),
        ("2026-01-31", 1_769_817_600 * SECOND_NS),
        ("2026-01-31T12:00:00Z", 1_769_860_800 * SECOND_NS),
        ("2026-01-31T12:00Z", 1_769_860_800 * SECOND_NS),
        ("2026-01-31 14:00+02:00", 1_769_860_800 * SECOND_NS),
        ("2026-01-31t12:00:00z", 1_769_860_800 * SECOND_NS),
        ("2026-01-31 12:00:00.5+02:00", 1_769_853_600 * SECOND_NS + 500_000_000),
    ],
)
def test_moments(text: str, at_ns: int) -> None:
    assert moment("from", text, NOW) == at_ns


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "1y", "1h30m", "2026-13-01", "2026-01-31T12:00:00", "2026-01-31T12:00", "-5", "1e9", "１h"],
)
def test_no_moments(text: str) -> None:
    with pytest.raises(Problem, match=r"^to: .*write a time such as") as caught:
        moment("to", text, NOW)
    assert caught.value.more == {"parameter": "to"}


def test_a_plus_that_became_a_space_is_explained() -> None:
    with pytest.raises(Problem, match="must be written %2B"):
        moment("from", "2026-01-31T12:00:00 02:00", NOW)


def test_without_a_start_it_is_the_hour_before_the_end() -> None:
    assert window(None, None, NOW) == Window(NOW - DEFAULT_WINDOW_NS, NOW)
    assert window(None, "1d", NOW) == Window(NOW - 24 * HOUR - DEFAULT_WINDOW_NS, NOW - 24 * HOUR)
    assert window(None, "0.5", NOW) == Window(0, SECOND_NS // 2)


@pytest.mark.parametrize(("start", "end"), [("1h", "2h"), ("now", None), ("5m", "5m")])
def test_a_window_that_holds_nothing_is_refused(start: str, end: str | None) -> None:
    with pytest.raises(Problem, match=r"^from: .* isn't before"):
        window(start, end, NOW)
