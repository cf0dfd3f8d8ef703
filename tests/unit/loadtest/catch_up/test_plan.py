"""The load lasts as long as anyone may take to catch up, and the log keeps all of it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from loadtest.catch_up.plan import Plan


@given(st.floats(10, 1_000), st.floats(1, 3_600), st.floats(5, 600), st.floats(100, 20_000))
def test_the_load_outlasts_the_slowest(before_s: float, down_s: float, after_s: float, rate: float) -> None:
    plan = Plan(before_s, down_s, after_s, rate, None, 1)
    # At three spans decided for each two that come: what came in the outage is gone after twice its time.
    assert plan.limit_s > 2 * down_s
    assert plan.load.seconds >= before_s + down_s + plan.limit_s + after_s
    assert plan.load.retained_bytes > plan.load.seconds * rate * 1_000
    assert json.loads(json.dumps(plan.as_json()))["rules"] == ""
