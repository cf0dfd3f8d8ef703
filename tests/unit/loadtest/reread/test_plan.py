"""Each run has its own topics and group, and its own configuration where there are several."""

from __future__ import annotations

from typing import Any

import pytest

from loadtest.reread.plan import plan
from tracemill.config import Config, ConfigError

OURS = Config.model_validate({"kafka": {"namespace": "ours"}})
QUICK = Config.model_validate({"kafka": {"namespace": "ours"}, "assembly": {"quiet_period_ms": 5}})


def test_one_configuration_serves_all_runs() -> None:
    one, three = plan([1, 3], [("a.yaml", OURS)], 64, "x")
    assert [(run.name, run.workers, run.output) for run in (one, three)] == [
        ("1 worker", 1, "ours-reread-x-1"),
        ("3 workers", 3, "ours-reread-x-2"),
    ]
    assert {one.config.kafka.namespace, three.config.kafka.namespace} == {"ours"}
    assert one.config.kafka.partitions == 64
    assert one.config.streams.group != three.config.streams.group


def test_each_run_may_have_its_own_configuration() -> None:
    runs = plan([2, 2], [("conf/a.yaml", OURS), ("conf/b.yaml", QUICK)], 8, "x")
    assert [run.name for run in runs] == ["2 workers, a.yaml", "2 workers, b.yaml"]
    assert [run.config.assembly.quiet_period_ms for run in runs] == [2_000, 5]


@pytest.mark.parametrize(
    ("counts", "configs", "why"),
    [
        ([1], [("a", OURS)], "--workers"),
        ([1, 2, 3], [("a", OURS), ("b", QUICK)], "2 of them for 3 runs"),
        ([1, 2], [("a", OURS), ("b", Config())], "different logs"),
    ],
)
def test_what_cannot_be_compared_is_refused(counts: list[int], configs: list[Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        plan(counts, configs, 8, "x")
