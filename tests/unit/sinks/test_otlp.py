"""What does an endpoint's answer mean for the spans that were sent?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sinks.delivery import Away, DataRefused
from sinks.otlp import LONGEST_RETRY_AFTER_S, refusal, retry_after_s

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (429, "overloaded"),
        (503, "overloaded"),
        (408, "other"),
        (500, "other"),
        (502, "other"),
        (504, "other"),
        (301, "configuration"),
        (401, "configuration"),
        (403, "configuration"),
        (404, "configuration"),
        (405, "configuration"),
    ],
)
def test_what_the_spans_are_not_at_fault_for_is_tried_again(status: int, why: str) -> None:
    answer = refusal(status, "7", b"", NOW)
    assert isinstance(answer, Away)
    assert answer.why == why


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_request_that_is_refused_for_what_it_is_is_not_tried_again(status: int) -> None:
    answer = refusal(status, "7", b"bad \xff", NOW)
    assert isinstance(answer, DataRefused)
    assert f"HTTP {status}" in str(answer)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("0", 0.0),
        ("7", 7.0),
        ("99999999", LONGEST_RETRY_AFTER_S),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds
    if seconds is not None:
        answer = refusal(503, value, b"", NOW)
        assert isinstance(answer, Away)
        assert answer.retry_after_s == seconds
