"""Decisions against the plainest oracle: one trace at a time, in Python, with exact fractions."""

from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemill.sampling import KEEP_EVERYTHING, RuleSet, Upstream, decide, decide_by_default
from tracemill.sampling.thresholds import NEVER

RULES = RuleSet.parse(
    """
    version: 1
    rules:
      - {name: two-slow, when: count_spans(duration_ns > 100) = 2, probability: 0.25}
      - {name: all-slow, when: all_spans(duration_ns > 100), probability: 0.5}
      - {name: errors, keep: error_count > 0}
      - {name: noise, drop: "root_name = 'noise'"}
      - {name: costly, keep: cost_usd > 1 AND any_span(tool_name = 'x' OR duration_ns > 1000)}
    default: {probability: 0.125}
    """
)
SPAN = st.fixed_dictionaries(
    {"duration_ns": st.sampled_from([None, 1, 101, 1001]), "tool_name": st.sampled_from(["", "x"])}
)
TRACE = st.fixed_dictionaries(
    {
        "error_count": st.sampled_from([0, 0, 1]),
        "root_name": st.sampled_from(["", "noise"]),
        "cost_usd": st.sampled_from([None, 0.5, 2.0]),
        "spans": st.lists(SPAN, min_size=1, max_size=3),
        "randomness": st.integers(0, NEVER - 1) | st.sampled_from([0, NEVER // 4 * 3, NEVER // 4 * 3 - 1, NEVER - 1]),
        "upstream": st.sampled_from([0, 0, NEVER // 2, NEVER // 16 * 15]),
    }
)
Trace = dict[str, Any]


def oracle(trace: Trace) -> tuple[bool, str, float, float]:
    durations = [span["duration_ns"] or 0 for span in trace["spans"]]
    slow = sum(duration > 100 for duration in durations)
    hard = any(span["tool_name"] == "x" for span in trace["spans"]) or max(durations) > 1000
    if trace["root_name"] == "noise":
        return False, "noise", 0.0, 0.0
    upstream = Fraction(NEVER, NEVER - trace["upstream"])
    if trace["error_count"] > 0:
        return True, "errors", 1.0, float(upstream)
    if (trace["cost_usd"] or 0) > 1 and hard:
        return True, "costly", 1.0, float(upstream)
    policy, share = "default", Fraction(1, 8)
    if slow == 2:
        policy, share = "two-slow", Fraction(1, 4)
    if slow == len(durations):
        policy, share = "all-slow", Fraction(1, 2)
    if Fraction(NEVER - trace["randomness"], NEVER) > share:
        return False, policy, float(share), 0.0
    return True, policy, float(share), float(max(1 / share, upstream))


def frames(traces: list[Trace]) -> tuple[pl.DataFrame, pl.DataFrame, Any, Upstream]:
    kinds = {"error_count": pl.UInt32, "root_name": pl.String, "cost_usd": pl.Float64}
    rows = pl.DataFrame([{name: trace[name] for name in kinds} for trace in traces], schema=kinds)
    spans = [(index, span) for index, trace in enumerate(traces) for span in trace["spans"]]
    columns = {"duration_ns": pl.Int64, "tool_name": pl.String}
    return (
        rows,
        pl.DataFrame([span for _, span in spans], schema=columns),
        np.array([index for index, _ in spans], np.int32),
        Upstream(*(np.array([trace[name] for trace in traces], np.uint64) for name in ("randomness", "upstream"))),
    )


@settings(deadline=None)
@given(st.lists(TRACE, max_size=12))
def test_as_the_oracle(traces: list[Trace]) -> None:
    found = decide(RULES, *frames(traces))
    columns = (found.kept, found.policy, found.probability, found.adjusted_count)
    assert list(
        zip(
            *(column.to_list() if isinstance(column, pl.Series) else column.tolist() for column in columns), strict=True
        )
    ) == [oracle(trace) for trace in traces]


@settings(deadline=None)
@given(st.lists(TRACE, min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_a_trace_is_decided_the_same_whatever_is_beside_it(traces: list[Trace], shuffle: Any) -> None:
    rows, spans, trace_of_span, upstream = frames(traces)
    order = list(range(spans.height))
    shuffle.shuffle(order)
    together = decide(RULES, rows, spans[order], trace_of_span[order], upstream)
    alone = [decide(RULES, *frames([trace])) for trace in traces]
    assert together.policy.to_list() == [one.policy[0] for one in alone]
    assert together.kept.tolist() == [one.kept[0] for one in alone]
    assert together.adjusted_count.tolist() == [one.adjusted_count[0] for one in alone]


@pytest.mark.parametrize("upstream", [0, NEVER // 2, NEVER // 4 * 3])
def test_weights_add_up_to_the_traffic(upstream: int) -> None:
    """Strata of every probability, over all randomness in 1,024 even steps that upstream let through."""
    steps = [r for r in range(0, NEVER, NEVER // 1024) if r >= upstream]
    quiet = {"error_count": 0, "root_name": "", "cost_usd": None, "upstream": upstream}
    strata = {
        "default": [{"duration_ns": 1, "tool_name": ""}],
        "two-slow": [{"duration_ns": d, "tool_name": ""} for d in (101, 101, 1)],
        "all-slow": [{"duration_ns": 101, "tool_name": ""}],
    }
    for policy, spans in strata.items():
        found = decide(RULES, *frames([quiet | {"spans": spans, "randomness": r} for r in steps]))
        assert set(found.policy) == {policy}
        assert found.adjusted_count.sum() == 1024


def test_without_rules_everything_is_kept() -> None:
    rows, spans, trace_of_span, upstream = frames(
        [{"error_count": 0, "root_name": "noise", "cost_usd": None, "spans": [], "randomness": 0, "upstream": 0}] * 2
    )
    found = decide(KEEP_EVERYTHING, rows, spans, trace_of_span, upstream)
    assert found.kept.tolist() == [True, True]
    assert found.policy.to_list() == ["default", "default"]
    assert found.probability.tolist() == [1.0, 1.0]
    assert found.adjusted_count.tolist() == [1.0, 1.0]


def test_a_trace_that_isnt_known_is_decided_by_the_default() -> None:
    randomness = np.array([0, NEVER // 8 * 7 - 1, NEVER // 8 * 7, NEVER - 1], np.uint64)
    found = decide_by_default(RULES, Upstream(randomness, np.array([0, 0, 0, NEVER // 16 * 15], np.uint64)))
    assert found.kept.tolist() == [False, False, True, True]
    assert found.adjusted_count.tolist() == [0.0, 0.0, 8.0, 16.0]
    assert set(found.policy) == {"default"}


def test_spans_are_counted_without_any_column_of_them() -> None:
    rule_set = RuleSet.parse(
        "{version: 1, rules: [{name: many, keep: count_spans(TRUE) > 1}], default: {probability: 0}}"
    )
    upstream = Upstream(np.array([0, 0], np.uint64), np.array([0, 0], np.uint64))
    found = decide(rule_set, pl.DataFrame({"depth": [1, 1]}), pl.DataFrame(), np.array([0, 1, 1], np.int32), upstream)
    assert found.policy.to_list() == ["default", "many"]


def test_conditions_without_any_column_hold_for_every_trace() -> None:
    rule_set = RuleSet.parse("{version: 1, rules: [{name: all, keep: 1 = 1}], default: {probability: 0}}")
    rows, spans, trace_of_span, upstream = frames(
        [{"error_count": 0, "root_name": "", "cost_usd": None, "spans": [], "randomness": 0, "upstream": 0}] * 3
    )
    assert decide(rule_set, rows, spans, trace_of_span, upstream).policy.to_list() == ["all"] * 3
