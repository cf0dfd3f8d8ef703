"""The queries of docs/true-numbers.md give what tracemill/estimates gives, on the real engine."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from math import inf
from typing import Any

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.frames import batch, span, span_record, trace_record
from tests.builders.stored import insert_spans, insert_traces
from tests.guide.queries import PAGE, QUERIES, ask
from tracemill.config import Store
from tracemill.estimates import Estimate, quantile, ratio, share, total

pytestmark = pytest.mark.integration

DATABASE = "true_numbers"
HOUR_NS = 3_600_000_000_000
WEIGHTS = (0.0, 1.0, 1.0, 2.0, 4.0, 10.0, 10.0, 10.0, 1 / 0.07)
TRACES = 400


class Data:
    """Traces with weights of every kind, and their spans; now, for the queries ask for the last day."""

    def __init__(self) -> None:
        self.traces: list[dict[str, Any]] = []
        self.spans: list[dict[str, Any]] = []
        dice, now_ns = random.Random(5), time.time_ns()
        for number in range(TRACES):
            self._add(dice, number, now_ns - dice.randrange(20 * HOUR_NS))

    def _add(self, dice: random.Random, number: int, at_ns: int) -> None:
        weight = dice.choice(WEIGHTS)
        trace_id = dice.randbytes(16)
        shared = {"started_at": at_ns, "route": dice.choice(["/chat", "/search"]), "adjusted_count": weight}
        self.traces.append(
            shared
            | {
                "trace_id": trace_id.hex(),
                "opened_at": at_ns,
                "version": number,
                "error_count": int(dice.random() < 0.1),
                "cost_usd": None if dice.random() < 0.1 else dice.lognormvariate(-4, 1),
                "duration_ms": float(dice.randrange(1, 60)),
            }
        )
        for each in range(dice.choice([1, 1, 2, 3, 12])):
            self.spans.append(shared | {"trace_id": trace_id, "span_id": (each + 1).to_bytes(8)} | self._kind(dice))

    @staticmethod
    def _kind(dice: random.Random) -> dict[str, Any]:
        duration_ns = dice.randrange(1, 90) * 1_000_000
        if dice.random() < 0.4:
            return {
                "span_type": "llm",
                "duration_ns": duration_ns,
                "response_model": dice.choice(["small", "large", "rare" if dice.random() < 0.05 else "small"]),
                "cost_usd": None if dice.random() < 0.1 else dice.lognormvariate(-4, 1),
                "input_messages": dice.choice(["hello", "a Refund, please"]),
            }
        return {
            "span_type": "tool",
            "duration_ns": duration_ns,
            "tool_name": dice.choice(["search", "sql", "mail" if dice.random() < 0.03 else "sql"]),
            "cache_hit": dice.choice([None, True, False]),
            "status_code": dice.choice(["OK", "ERROR"]),
        }


@pytest.fixture(scope="module")
def data() -> Data:
    return Data()


@pytest.fixture(scope="module")
def stored(store: str, data: Data) -> Iterator[Client]:
    """A client of the data; rows were stored twice, as they are when a sink is killed."""
    client = connect(Store(url=store))
    apply(client, Layout(DATABASE, "", 30))
    for _ in range(2):
        insert_spans(client, DATABASE, span_record(batch([span(**one) for one in data.spans])))
        insert_traces(client, DATABASE, *(trace_record(**one) for one in data.traces))
    yield client
    client.command(f"DROP DATABASE {DATABASE} SYNC")
    client.close()


def test_all_queries_are_tested() -> None:
    assert set(QUERIES) == {"exact.sql", *ASKED}


Row = dict[str, Any]


def _tool(one: Row) -> Any:
    return one["tool_name"] if one["span_type"] == "tool" else None


def _model(one: Row) -> Any:
    return one["response_model"] if one["span_type"] == "llm" else None


def _hour(one: Row) -> int:
    return one["started_at"] // HOUR_NS


def _refund(one: Row) -> Any:
    return _hour(one) if "Refund" in one.get("input_messages", "") else None


def _cost(one: Row) -> float:
    return one["cost_usd"] or 0.0


def _one(_: Row) -> float:
    return 1.0


Summed = Callable[..., Estimate]


def _summed(say: Summed, *values: Callable[[Row], float], once: bool = False) -> Callable[[list[Row]], Estimate]:
    """What is said of rows, each value summed to its trace, or `once` a trace."""

    def said(found: list[Row]) -> Estimate:
        by = [list(group) for _, group in groupby(found, key=lambda one: one["trace_id"])]
        columns = [[each(group[0]) if once else sum(each(one) for one in group) for group in by] for each in values]
        return say([group[0]["adjusted_count"] for group in by], *columns)

    return said


def _p95(value: Callable[[Row], float]) -> Callable[[list[Row]], Estimate]:
    def said(found: list[Row]) -> Estimate:
        weights = [one["adjusted_count"] for one in found]
        return quantile(weights, [value(one) for one in found], 0.95, [str(one["trace_id"]) for one in found])

    return said


Asked = tuple[str, Callable[[Row], Any], Callable[[list[Row]], Estimate]]
ASKED: dict[str, Asked] = {
    "totals.sql": ("spans", _tool, _summed(total, _one)),
    "totals.sql: cost by model": ("spans", _model, _summed(total, _cost)),
    "totals.sql: traces with a word": ("spans", _refund, _summed(total, _one, once=True)),
    "totals.sql: before sampling upstream": (
        "traces",
        lambda one: ("default", one["route"], _hour(one)),
        _summed(total, _one),
    ),
    "ratios.sql": ("spans", _model, _summed(ratio, _cost, _one)),
    "ratios.sql: failed calls, where a rule keeps all errors": (
        "spans",
        _tool,
        _summed(ratio, lambda one: one["status_code"] == "ERROR", _one),
    ),
    "shares.sql": ("spans", _tool, _summed(share, lambda one: one["cache_hit"] is True, _one)),
    "percentiles.sql": ("spans", _tool, _p95(lambda one: one["duration_ns"] / 1e6)),
    "percentiles.sql: traces before sampling upstream": (
        "traces",
        lambda one: one["route"],
        _p95(lambda one: one["duration_ms"]),
    ),
}
"""Which rows, by what, and what is said of each group."""


@pytest.mark.parametrize("title", ASKED)
def test_the_engine_and_the_library_say_the_same(stored: Client, data: Data, title: str) -> None:
    table, what, say = ASKED[title]
    groups: dict[Any, list[Row]] = {}
    for one in getattr(data, table):
        if what(one) is not None and one["adjusted_count"] > 0:
            groups.setdefault(what(one), []).append(one)
    told = {_plain(row[0]): row[1:] for row in ask(stored, DATABASE, title)}
    assert told.keys() == groups.keys()
    for name, found in groups.items():
        kept, heaviest, *numbers = told[name]
        weights = {one["trace_id"]: one["adjusted_count"] for one in found}.values()
        assert heaviest == pytest.approx(max(weights))
        assert kept == sum(weight >= max(weights) / 2 for weight in weights)
        said = say(found)
        assert _open(*numbers) == pytest.approx((said.value, said.low, said.high), rel=1e-6, abs=1e-9), name


def _plain(what: Any) -> Any:
    """A group as the test names it: hours as numbers."""
    if isinstance(what, tuple):
        return tuple(_plain(part) for part in what)
    return what if isinstance(what, str) else int(what.timestamp()) // 3600


def _open(value: float, low: float | None, high: float | None) -> tuple[float, float, float]:
    return value, -inf if low is None else low, inf if high is None else high


def test_what_is_exact_is_exact(stored: Client, data: Data) -> None:
    told = {(row[0], _plain(row[1])): row[2:] for row in ask(stored, DATABASE, "exact.sql")}
    groups: dict[Any, list[Row]] = {}
    for one in data.traces:
        groups.setdefault((one["route"], _hour(one)), []).append(one)
    assert told.keys() == groups.keys()
    for name, found in groups.items():
        traces, errors, usd, p50, _ = told[name]
        assert traces == len(found)
        assert errors == pytest.approx(sum(one["error_count"] > 0 for one in found) / len(found))
        assert (usd or 0) == pytest.approx(sum(_cost(one) for one in found))
        assert p50 in {one["duration_ms"] for one in found}


def test_the_widths_are_so() -> None:
    table = [line.split("|")[1:4] for line in PAGE.splitlines() if line.startswith("| ") and "% |" in line]
    assert len(table) == 7
    for kept, *ends in table:
        weights = np.full(int(kept), 1e9)
        said = total(weights, np.ones(len(weights)))
        found = [f"{(end / said.value - 1) * 100:+.0f} %".replace("-", "−") for end in (said.low, said.high)]
        assert found == [end.strip() for end in ends]
