"""The same traces, whichever way they come, are the same rows in the store, positions in the log aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from runtime.control import apply_rules
from runtime.outbox import Outbox
from tests.builders.ingesting import PROTOBUF, Ingester, configured
from tests.builders.rich import TRACE_ID, rich_trace
from tests.builders.ways import (
    JSON,
    Way,
    backwards,
    every_protocol,
    forwards,
    http,
    in_pieces,
    rpc,
    shuffled,
    spans_of,
)
from tests.fixtures.ports import own_port
from tests.fixtures.spine import running
from tracemill.config import Config, token_hash
from tracemill.sampling import RuleSet
from tracemill.schema import SPAN, TRACE

pytestmark = pytest.mark.integration

GOLDEN: Final = Path(__file__).parents[1] / "golden" / "otlp"
RECORDINGS: Final = ("python-openinference", "node-openinference", "go-sdk")
RULES: Final = """
version: 1
rules:
  - {name: errors, keep: error_count > 0}
  - {name: tools, when: "any_span(span_type = 'tool')", probability: 0.5}
default: {probability: 0.999}
"""
QUIET_S: Final = 3.0
ATTEMPTS: Final = 5
"""A busy machine may take longer than the quiet period between two spans of a trace: then that way is gone again."""

SENDS: Final = every_protocol()
WHOLE: Final = {name: Way([send]) for name, send in SENDS.items()}
REFERENCE: Final = "protobuf-plain"
IN_PARTS: Final = {
    "json-forwards": Way([http(JSON)], forwards),
    "json-gzip-shuffled": Way([http(JSON, "gzip")], shuffled(1)),
    "protobuf-backwards": Way([http(PROTOBUF)], backwards),
    "protobuf-zstd-shuffled": Way([http(PROTOBUF, "zstd")], shuffled(2)),
    "grpc-forwards": Way([rpc()], forwards),
    "grpc-gzip-backwards": Way([rpc("gzip")], backwards),
    "in-pieces": Way([http(PROTOBUF), rpc(), http(JSON)], in_pieces(8)),
    "every-protocol-at-once": Way(list(SENDS.values()), shuffled(3), at_once=4),
}
TWICE: Final = {
    "protobuf-twice": Way([http(PROTOBUF)], times=2),
    "grpc-twice-at-once": Way([rpc()], times=2, at_once=2),
    "span-by-span-twice": Way([http(PROTOBUF), rpc("deflate"), http(JSON, "deflate")], shuffled(4), times=2, at_once=2),
}
WAYS: Final = WHOLE | IN_PARTS | TWICE
AGAIN_WHEN_DECIDED: Final = "grpc-again-when-decided"
NAMES: Final = (*WAYS, AGAIN_WHEN_DECIDED)

NOT_COMPARED: Final = {
    "spans": {
        "tenant": "the ways are told apart by it; everything else of a trace's identity is the same",
        "version": "the offset of the record that caused the row",
    },
    "traces_latest": {
        "tenant": "as above",
        "version": "as above",
        "opened_at": "when the broker appended the trace's first record",
        "sources": "offsets of the records that the trace came in",
    },
}
KEYS: Final = {"spans": ("trace_id", "span_id"), "traces_latest": ("trace_id",)}

Rows = dict[tuple[str, ...], dict[str, str]]
"""By key, each column's value as text, which is exact: nanoseconds, signs of zeros, the order of maps."""


@dataclass(frozen=True)
class Stored:
    """What the two views show, and as which tenant each way came through."""

    client: Client
    database: str
    tenants: Mapping[str, str]

    def rows(self, table: str, way: str) -> Rows:
        query = f"SELECT * FROM {self.database}.{table} WHERE tenant = {{tenant:String}} FORMAT TSVWithNames"
        answer = self.client.raw_query(query, parameters={"tenant": self.tenants[way]}).decode()
        names, *lines = (line.split("\t") for line in answer.splitlines())
        found = [dict(zip(names, line, strict=True)) for line in lines]
        by_key = {tuple(row[name] for name in KEYS[table]): row for row in found}
        assert len(by_key) == len(found)
        return by_key


@pytest.fixture(scope="module")
def whole() -> ExportTraceServiceRequest:
    recorded = [(GOLDEN / f"{name}.binpb").read_bytes() for name in RECORDINGS]
    return ExportTraceServiceRequest.FromString(b"".join([rich_trace().SerializeToString(), *recorded]))


@pytest.fixture(scope="module")
def stored(
    kafka: str, store: str, whole: ExportTraceServiceRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stored]:
    """The store, after all ways were gone at the same time, and one of them again when all was decided."""
    config = _config(kafka, store)
    with running(config, tmp_path_factory.mktemp("ways")) as spine:
        with Outbox(config.kafka) as outbox:
            apply_rules(outbox, RuleSet.parse(RULES))
        ways = {**WAYS, AGAIN_WHEN_DECIDED: WHOLE["grpc-plain"]}
        with ThreadPoolExecutor(8) as pool:
            coming = {name: pool.submit(_come, spine.ingester, whole, name, way) for name, way in ways.items()}
            tenants = {name: sent.result() for name, sent in coming.items()}
        spine.settle()
        ways[AGAIN_WHEN_DECIDED].go(spine.ingester, whole, tenants[AGAIN_WHEN_DECIDED])
        spine.settle()
    client = clickhouse_connect.get_client(dsn=store, autogenerate_session_id=False)
    yield Stored(client, config.store.database, tenants)
    client.command(f"DROP DATABASE {config.store.database} SYNC")
    client.close()


def _config(kafka: str, store: str) -> Config:
    names = [_tenant(name, attempt) for name in NAMES for attempt in range(ATTEMPTS)]
    tokens = [{"sha256": token_hash(name), "tenant": name} for name in names]
    sections = {
        "assembly": {"quiet_period_ms": int(QUIET_S * 1_000), "max_idle_ms": int(QUIET_S * 1_000)},
        "streams": {"group": "many-ways-streams"},
        "sinks": {"group": "many-ways-sinks", "metrics_port": own_port()},
        "store": {"url": store, "database": "many_ways"},
    }
    return Config.model_validate(configured(kafka, "many-ways", tokens=tokens).model_dump() | sections)


def _come(ingester: Ingester, whole: ExportTraceServiceRequest, name: str, way: Way) -> str:
    """Go a way until no span of a trace was late; the tenant as which that was so."""
    tenants = (_tenant(name, attempt) for attempt in range(ATTEMPTS))
    return next(tenant for tenant in tenants if way.go(ingester, whole, tenant) < QUIET_S)


def _tenant(name: str, attempt: int) -> str:
    """Whose the spans are that come in an attempt to go a way; the token is the same."""
    return f"{name}.{attempt}"


@pytest.mark.parametrize("table", NOT_COMPARED)
@pytest.mark.parametrize("way", [name for name in NAMES if name != REFERENCE])
def test_every_way_gives_the_same_rows(stored: Stored, table: str, way: str) -> None:
    expected, found = stored.rows(table, REFERENCE), stored.rows(table, way)
    assert found.keys() == expected.keys()
    different = [
        (*key, column, found[key][column], value)
        for key, row in expected.items()
        for column, value in row.items()
        if column not in NOT_COMPARED[table] and found[key][column] != value
    ]
    assert different == []


def test_all_columns_are_compared_but_positions_in_the_log(stored: Stored) -> None:
    for table, columns in (("spans", SPAN), ("traces_latest", TRACE)):
        (row, *_) = stored.rows(table, REFERENCE).values()
        assert row.keys() == {column.name for column in columns}
        assert row.keys() > NOT_COMPARED[table].keys()


def test_the_rows_hold_what_was_sent(stored: Stored, whole: ExportTraceServiceRequest) -> None:
    sent = {(span.trace_id.hex(), span.span_id.hex()): span for span in spans_of(whole)}
    traces, spans = stored.rows("traces_latest", REFERENCE), stored.rows("spans", REFERENCE)
    dropped = {trace_id for (trace_id,), row in traces.items() if row["decision"] == "drop"}
    assert dropped
    assert spans.keys() == {key for key in sent if key[0] not in dropped}
    for key, row in spans.items():
        span = sent[key]
        assert row["name"] == span.name
        assert row["parent_span_id"] == span.parent_span_id.hex()
        assert row["started_at"].endswith(f".{span.start_time_unix_nano % 10**9:09d}")
        assert (row["revision"], row["late"]) == ("1", "false")


def test_the_rich_trace_is_what_it_is(stored: Stored) -> None:
    row = stored.rows("traces_latest", REFERENCE)[(TRACE_ID.hex(),)]
    expected = {
        "root_name": "answer",
        "service_name": "support-agent",
        "route": "/answer/{id}",
        "session_id": "s-1",
        "user_id": "ü-2",
        "complete": "true",
        "closed_by": "complete",
        "span_count": "14",
        "llm_calls": "3",
        "tool_calls": "1",
        "retrievals": "1",
        "error_count": "2",
        "tool_error_count": "1",
        "retry_count": "1",
        "orphans": "1",
        "cost_usd": "0.6000000000000001",
        "ttft_ms": "125",
        "models": "['claude','e-3','gpt-4.1','gpt-4.1-2026']",
        "policy": "errors",
        "adjusted_count": "2",
    }
    assert {name: row[name] for name in expected} == expected
