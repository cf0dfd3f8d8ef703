"""A benchmark runs a whole Tracemill, counts what each part took, and its ledger finds nothing missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.stack import ports
from loadtest.results import Scenario
from loadtest.scenario import idle_freshness, measure
from loadtest.stack import Stack, running
from tests.fixtures.ports import own_offset
from tracemill.config import Config

pytestmark = pytest.mark.integration

RULES = Path(__file__).parents[2] / "loadtest" / "rules-10-percent.yaml"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    offset = own_offset(ports(Config()).values())
    with running(tmp_path_factory.mktemp("bench"), offset, RULES) as stack:
        yield stack


def test_a_load_is_measured_end_to_end(stack: Stack) -> None:
    found = measure(stack, Scenario("lean", "grpc", 10, 40_000), seed=1)
    assert found.verdict is not None
    assert found.freshness is not None
    assert found.verdict.clean, found.verdict
    assert found.verdict.acknowledged_spans >= found.spans == 40_000
    assert found.kept_share is not None
    assert 0.05 < found.kept_share < 0.2
    assert found.freshness.unseen == 0
    assert {"ingest", "streams", "sinks", "store", "kafka"} <= found.usage.keys()
    assert all(found.usage[part].cpu_s > 0 and found.usage[part].peak_bytes > 0 for part in ("ingest", "streams"))


def test_a_part_is_measured_alone_on_what_the_part_before_it_wrote(stack: Stack) -> None:
    found = measure(stack, Scenario("lean", "http", 10, 8_000, only="sinks"), seed=50)
    assert found.verdict is not None
    assert found.verdict.clean, found.verdict
    assert found.usage["sinks"].cpu_s > 0
    assert "generator" not in found.usage


def test_lone_traces_are_seen_when_nothing_else_goes_on(stack: Stack) -> None:
    freshness, claim = idle_freshness(stack, 99, 3)
    assert (freshness.traces, freshness.unseen) == (3, 0)
    assert claim.uncertain == ()
