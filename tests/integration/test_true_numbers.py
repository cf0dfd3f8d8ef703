"""Through the whole pipeline: what is estimated from the store is true of everything that `signals.v1` tells."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from runtime.control import apply_rules, promote
from runtime.kafka import read_from
from runtime.outbox import Outbox
from sinks.clickhouse import connect
from tests.builders.ingesting import Ingester, configured
from tests.builders.otlp import request, text
from tests.builders.stored import rows
from tests.fixtures.ports import own_port
from tests.fixtures.spine import Spine, running
from tests.guide.queries import ask
from tracemill import topics
from tracemill.config import Config, Kafka
from tracemill.control.promotions import Promotion
from tracemill.sampling import RuleSet

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

RULES = """
version: 1
rules:
  - {name: health-checks, drop: root_name = 'GET /healthz' AND error_count = 0}
  - {name: errors, keep: error_count > 0}
  - {name: expensive, keep: cost_usd > 0.2}
  - {name: reports, when: route = '/report', probability: 0.5}
default: {probability: 0.06}
"""
TRACES, A_REQUEST = 5_000, 250
LATE, PROMOTED = 150, 60
MODELS = ("small", "large")
ERROR = Status(code=Status.STATUS_CODE_ERROR)


class Load:
    """Traces of one to a few LLM calls, the same ones every time but for their times."""

    def __init__(self) -> None:
        self._dice, self._now_ns = random.Random(11), time.time_ns()
        self.traces = [self._trace() for _ in range(TRACES)]

    def _trace(self) -> list[Span]:
        dice, trace_id = self._dice, self._dice.randbytes(16)
        route = dice.choices(["/chat", "/report", "/healthz"], [6, 2, 1])[0]
        name = "GET /healthz" if route == "/healthz" else "POST /agent"
        status = ERROR if dice.random() < 0.02 else None
        root = self._span(trace_id, b"", name, 900, [text("http.route", route)], status)
        calls = 0 if route == "/healthz" else 1 + int(dice.expovariate(0.7))
        return [root, *(self._call(trace_id, root.span_id) for _ in range(calls))]

    def _call(self, trace_id: bytes, parent: bytes) -> Span:
        model = self._dice.choices(MODELS, [4, 1])[0]
        cost = self._dice.lognormvariate(-5 + 2 * MODELS.index(model), 1)
        attributes = [
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.request.model", model),
            text("gen_ai.response.model", model),
            KeyValue(key="gen_ai.usage.cost", value=AnyValue(double_value=cost)),
        ]
        return self._span(trace_id, parent, f"chat {model}", self._dice.randrange(20, 800), attributes)

    def _span(self, trace_id: bytes, parent: bytes, name: str, ms: int, attributes: Any, status: Any = None) -> Span:
        return Span(
            trace_id=trace_id,
            span_id=self._dice.randbytes(8),
            parent_span_id=parent,
            name=name,
            start_time_unix_nano=self._now_ns - 10**9,
            end_time_unix_nano=self._now_ns - 10**9 + ms * 1_000_000,
            attributes=attributes,
            status=status,
        )

    def late(self) -> list[Span]:
        """Errors that come for traces when they are long decided."""
        return [self._span(one[0].trace_id, one[0].span_id, "late", 5, [], ERROR) for one in self.traces[:LATE]]


@dataclass
class Told:
    """What everybody can know: the signals of all traces and calls, newest revisions; and what the store says."""

    traces: dict[str, dict[str, Any]]
    calls: dict[str, dict[str, Any]]
    client: Client
    database: str

    def calls_by_model(self) -> dict[str, list[dict[str, Any]]]:
        """All LLM calls; noise has none."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for call in self.calls.values():
            found[call["response_model"]].append(call)
        return found


@pytest.fixture(scope="module")
def told(kafka: str, store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """After the load, late errors, and promotions by hand."""
    config = _config(kafka, store)
    with running(config, tmp_path_factory.mktemp("numbers")) as spine:
        with Outbox(config.kafka) as outbox:
            apply_rules(outbox, RuleSet.parse(RULES))
        _send(spine, Load())
    signals = _signals(config.kafka)
    client = connect(config.store)
    yield Told(signals["trace"], signals["llm_call"], client, config.store.database)
    client.command(f"DROP DATABASE {config.store.database} SYNC")
    client.close()


def _config(kafka: str, store: str) -> Config:
    sections = {
        "assembly": {"quiet_period_ms": 500, "max_idle_ms": 1_000},
        "streams": {"group": "true-numbers-streams"},
        "sinks": {"group": "true-numbers-sinks", "metrics_port": own_port()},
        "store": {"url": store, "database": "true_numbers_pipeline"},
    }
    return Config.model_validate(configured(kafka, "true-numbers").model_dump() | sections)


def _send(spine: Spine, load: Load) -> None:
    for first in range(0, TRACES, A_REQUEST):
        _post(spine.ingester, [span for trace in load.traces[first : first + A_REQUEST] for span in trace])
    spine.settle()
    _post(spine.ingester, load.late())
    with Outbox(spine.config.kafka) as outbox:
        for trace in load.traces[LATE : LATE + PROMOTED]:
            promote(outbox, Promotion(trace[0].trace_id + b"default", "request", "ops", None)).result()
    spine.settle()


def _post(ingester: Ingester, spans: list[Span]) -> None:
    assert ingester.post(request(*spans).SerializeToString()).status == 200


def _signals(kafka: Kafka) -> dict[str, dict[str, dict[str, Any]]]:
    """By type and id, those of the highest revision."""
    newest: dict[str, dict[str, dict[str, Any]]] = {"trace": {}, "llm_call": {}}

    def take(message: Message) -> None:
        signal = json.loads(message.value() or b"")
        known = newest[signal["type"]].get(signal["id"])
        if known is None or signal["revision"] >= known["revision"]:
            newest[signal["type"]][signal["id"]] = signal

    read_from(kafka, topics.SIGNALS.name(kafka.namespace), dict.fromkeys(range(kafka.partitions), 0), take)
    return newest


def test_the_signals_tell_of_everything(told: Told) -> None:
    load = Load()
    assert len(told.traces) == TRACES
    assert len(told.calls) == sum(len(trace) - 1 for trace in load.traces)
    kept = sum(one["decision"] == "keep" for one in told.traces.values())
    assert 0.08 < kept / TRACES < 0.3
    late = [told.traces[trace[0].trace_id.hex()] for trace in load.traces[:LATE]]
    assert {(one["decision"], one["adjusted_count"]) for one in late} == {("keep", 1.0)}


def test_who_promotes_by_hand_moves_no_number(told: Told) -> None:
    asked = [told.traces[trace[0].trace_id.hex()] for trace in Load().traces[LATE : LATE + PROMOTED]]
    by_hand = [one for one in asked if one["policy"] == "promoted:request"]
    assert len(by_hand) > PROMOTED / 2
    assert {(one["decision"], one["adjusted_count"]) for one in by_hand} == {("keep", 0.0)}
    shown = f"SELECT uniqExact(trace_id) FROM {told.database}.spans WHERE adjusted_count = 0"
    assert rows(told.client, shown) == [(len(by_hand),)]


def test_trace_rows_need_no_estimate(told: Told) -> None:
    found = {
        row[0]: row[2:5] for row in ask(told.client, told.database, "exact.sql", **{"toStartOfHour(started_at)": "1"})
    }
    by_route: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in told.traces.values():
        by_route[one["route"]].append(one)
    for route, traces in by_route.items():
        count, errors, usd = found[route]
        assert count == len(traces)
        assert errors == pytest.approx(sum(one["error_count"] > 0 for one in traces) / len(traces))
        assert (usd or 0) == pytest.approx(sum(one["cost_usd"] or 0 for one in traces))


def _count(calls: list[dict[str, Any]]) -> float:
    return len(calls)


def _cost(calls: list[dict[str, Any]]) -> float:
    return sum(call["cost_usd"] for call in calls)


def _p95(calls: list[dict[str, Any]]) -> float:
    return float(np.quantile([call["duration_ms"] for call in calls], 0.95, method="inverted_cdf"))


OF_MODELS = {"tool_name AS what": "response_model AS what", "span_type = 'tool'": "span_type = 'llm'"}


@pytest.mark.parametrize(
    ("title", "replaced", "truth", "within"),
    [
        ("totals.sql", OF_MODELS, _count, 0.2),
        ("totals.sql: cost by model", {}, _cost, 0.3),
        ("ratios.sql", {}, lambda calls: _cost(calls) / _count(calls), 0.2),
        ("percentiles.sql", OF_MODELS, _p95, 0.1),
        ("shares.sql", OF_MODELS | {"countIf(cache_hit)": "countIf(duration_ns < 2e8)"}, None, 0.2),
    ],
)
def test_what_is_said_of_calls_is_true(
    told: Told, title: str, replaced: dict[str, str], truth: Callable[..., float] | None, within: float
) -> None:
    by_model = told.calls_by_model()
    found = ask(told.client, told.database, title, **replaced)
    assert {row[0] for row in found} == by_model.keys()
    for model, kept, _, estimate, low, high in found:
        true = (truth or _fast)(by_model[model])
        assert kept >= 30
        assert low <= true <= (high if high is not None else true)
        assert estimate == pytest.approx(true, rel=within)


def _fast(calls: list[dict[str, Any]]) -> float:
    return sum(call["duration_ms"] < 200 for call in calls) / len(calls)


def test_traces_are_as_many_as_their_weights(told: Told) -> None:
    """All but those that a drop rule drops: their probability is 0, whoever promotes them afterwards."""
    found = ask(
        told.client,
        told.database,
        "totals.sql: before sampling upstream",
        **{"(tenant, route, toStartOfHour(started_at)) AS what": "route AS what"},
    )
    truth: dict[str, int] = defaultdict(int)
    for one in told.traces.values():
        truth[one["route"]] += one["probability"] > 0
    for route, _, _, _, low, high in found:
        assert low <= truth[route] <= high
