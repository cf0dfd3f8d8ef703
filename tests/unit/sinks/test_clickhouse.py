"""Which errors of the store pass, and what does an operator read about them?"""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from sinks.clickhouse import Why, away, connect
from sinks.delivery import Away
from tests.fixtures.ports import own_port
from tracemill.config import Store


@pytest.mark.parametrize(
    ("code", "why", "advice"),
    [
        (None, Why.UNREACHABLE, "store.url"),
        (252, Why.OVERLOADED, "tried again"),
        (241, Why.OVERLOADED, "tried again"),
        (60, Why.SCHEMA, "tracemill schema apply"),
        (16, Why.SCHEMA, "tracemill schema apply"),
        (497, Why.ACCESS, "may that user insert"),
        (516, Why.ACCESS, "store.password"),
        (999, Why.OTHER, "log"),
    ],
)
def test_an_error_says_why_and_what_to_do(code: int | None, why: Why, advice: str) -> None:
    error = away(DatabaseError("Code: X. DB::Exception: no\nStack trace", code=code))
    assert error.why is why
    assert advice in str(error)
    assert "Stack trace" not in str(error)


def test_a_transport_error_has_no_code_and_means_unreachable() -> None:
    assert away(OperationalError("connection refused")).why is Why.UNREACHABLE


def test_a_store_that_nobody_runs_is_away() -> None:
    with pytest.raises(Away) as refusal:
        connect(Store(url=f"http://127.0.0.1:{own_port()}"))
    assert refusal.value.why is Why.UNREACHABLE
