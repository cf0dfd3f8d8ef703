"""The page about metrics names what the parts export, all of it and nothing else, with types and labels."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import pytest
from prometheus_client import Metric
from prometheus_client.metrics import MetricWrapperBase

import api.metrics
import ingest.counters
import ingest.family
import sinks.metrics
import streams.metrics
from api.groups import Lags
from runtime.group_lag import Behind, Place
from streams.backlog import Backlog
from streams.gauges import Gauges
from streams.lag import End, Lag
from tests.builders.assigned import assigned, partition
from tests.guide.metric_tables import PARTS, Told, alerts, exported, on_the_page

DECLARED = (api.metrics, ingest.counters, ingest.family, sinks.metrics, streams.metrics)
_BASE = re.compile(r"tracemill_\w+")


@dataclass(frozen=True)
class Looked:
    """What the API knows of a group."""

    name: str
    looked_s: float
    found: dict[Place, Behind]


def computed() -> list[Metric]:
    """What is computed when it is asked for, of a worker with one partition and an API with one group."""

    async def gauges() -> list[Metric]:
        partitions = await assigned(partition())
        lag = Lag(partitions, lambda _: End(1, 0.0))
        return list(Gauges(partitions, Backlog(), lag).collect())

    looked = Looked("tests", 1.0, {("otlp", 0): Behind(1, 1)})
    return [*asyncio.run(gauges()), *Lags([looked]).collect(), *streams.metrics.DECISION_SECONDS.collect()]


def declared() -> set[Told]:
    """What the parts' modules declare; a family knows its labels also where nothing was counted yet."""
    values = [value for module in DECLARED for value in vars(module).values()]
    return {
        Told(each._name + "_total" * (each._type == "counter"), each._type, frozenset(each._labelnames))
        for each in values
        if isinstance(each, MetricWrapperBase)
    }


def test_every_metric_has_its_row_and_every_row_its_metric() -> None:
    page = on_the_page()
    assert set(page) == {"Every part", *PARTS}
    assert set.union(*(page[part] for part in PARTS)) == declared() | exported(computed())


@pytest.mark.parametrize("part", PARTS)
def test_metrics_carry_the_name_of_their_part(part: str) -> None:
    prefixes = (f"tracemill_{part}_", "tracemill_kafka_group_") if part == "api" else (f"tracemill_{part}_",)
    assert [told.name for told in on_the_page()[part] if not told.name.startswith(prefixes)] == []


def test_names_say_their_unit_and_their_type_as_prometheus_wants_it() -> None:
    told = set.union(*on_the_page().values())
    assert [each.name for each in told if each.name.endswith("_total") != (each.kind == "counter")] == []
    scaled = re.compile(r"_(ms|milliseconds|minutes|kb|mb|kilobytes|megabytes|percent)(_|$)")
    assert [each.name for each in told if scaled.search(each.name)] == []
    histograms = [each.name for each in told if each.kind == "histogram"]
    assert [name for name in histograms if not name.endswith(("_seconds", "_bytes"))] == []


def test_alerts_ask_for_metrics_that_there_are() -> None:
    names = {told.name for table in on_the_page().values() for told in table}
    assert len(alerts()) == 5
    for rule in alerts():
        asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in _BASE.findall(rule["expr"])}
        assert asked
        assert asked <= names, rule["alert"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert rule["annotations"]["summary"]
