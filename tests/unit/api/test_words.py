"""Numbers and times for people."""

import pytest

from api import words


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (0.0042, "4 µs"),
        (0.87, "870 µs"),
        (1, "1 ms"),
        (12.43, "12.4 ms"),
        (99.6, "100 ms"),
        (870.4, "870 ms"),
        (1_520, "1.52 s"),
        (59_994, "59.99 s"),
        (59_999, "1 m 00 s"),
        (184_000, "3 m 04 s"),
        (7_810_000, "2 h 10 m"),
        (3_600_000_000, "1,000 h 00 m"),
    ],
)
def test_durations(milliseconds: float | None, text: str) -> None:
    assert words.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [(None, "–"), (0, "$0"), (0.0000123, "$1.2e-05"), (0.0042, "$0.0042"), (0.5, "$0.50"), (1234.5, "$1,234.50")],
)
def test_money(usd: float | None, text: str) -> None:
    assert words.money(usd) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s ago"), (59, "59 s ago"), (150, "2 m ago"), (7_300, "2 h ago"), (-5, "0 s ago")]
)
def test_ages(seconds: int, text: str) -> None:
    at = "2026-01-31T12:00:00.000000000Z"
    assert words.ago(at, (1_769_860_800 + seconds) * 10**9) == text


def test_times() -> None:
    assert words.clock("2026-01-31T12:00:00.123456789Z") == "2026-01-31 12:00:00.123"
    assert words.since("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00Z") == 500.0
    assert words.count(1_234_567) == "1,234,567"
    assert words.count(None) == "–"
