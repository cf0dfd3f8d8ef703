"""The API over a store, in this process, and a store with something in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from clickhouse_connect.driver.client import Client
from starlette.testclient import TestClient

from api.access import access
from api.log import KafkaLog
from api.queries import Query
from api.site import Site
from api.store import ClickHouse
from embedded.parts import http_ready
from tests.builders.frames import NOW_NS, batch, lean_rows, span_record, trace_record
from tests.builders.stored import insert_spans, insert_traces
from tests.fixtures.ports import own_port
from tests.fixtures.servers import Server
from tracemill.config import Config, token_hash

HOUR_NS = 3_600_000_000_000


class Recording:
    """A store that remembers what it was asked."""

    def __init__(self, config: Config) -> None:
        self.inner = ClickHouse(config.store)
        self.queries: list[Query] = []

    async def rows(self, query: Query) -> list[dict[str, Any]]:
        self.queries.append(query)
        return await self.inner.rows(query)

    async def why_not_ready(self) -> str | None:
        return await self.inner.why_not_ready()


def api_config(store: str, database: str, tokens: Mapping[str, str] | None = None, **api: Any) -> Config:
    """`tokens` are tenants by their token."""
    known = [{"sha256": token_hash(token), "tenant": tenant} for token, tenant in (tokens or {}).items()]
    section = {"url": store, "database": database}
    return Config.model_validate({"store": section, "ingest": {"tokens": known}, "api": api})


@contextmanager
def served(config: Config, now_ns: Callable[[], int] = lambda: NOW_NS + HOUR_NS) -> Iterator[tuple[TestClient, Any]]:
    """A client of the API, and the store behind it; the clock says an hour after `NOW_NS`."""
    store = Recording(config)
    log = KafkaLog(config)
    site = Site(store, log, access(config), now_ns)

    async def close() -> None:
        await log.close()
        await store.inner.close()

    with TestClient(site.application(close), base_url="http://localhost") as client:
        yield client, store


def api_process(directory: Path, config: Mapping[str, Any]) -> Server:
    """The API as a process of its own, not yet started; its configuration file is `tracemill.yaml` in the directory."""
    port, file = own_port(), directory / "tracemill.yaml"
    file.write_text(yaml.safe_dump({**config, "api": {"port": port}}))
    return Server(
        name=sys.executable,
        program=sys.executable,
        arguments=("-m", "cli.main", "api", "--config", str(file)),
        address=f"http://127.0.0.1:{port}",
        ready=http_ready(f"http://127.0.0.1:{port}/readyz"),
        log=directory / "api.log",
        env={"CONFIG_FILE": str(file)},
    )


def fill(client: Client, database: str, spans: Sequence[dict[str, Any]], **columns: Any) -> None:
    """Spans as from `lean_rows`, and the row of each of their traces, opened when its root began."""
    insert_spans(client, database, span_record(batch(spans)))
    roots = [row for row in spans if not any(row["parent_span_id"])]
    insert_traces(client, database, *(row_of(root, **columns) for root in roots))


def row_of(root: Mapping[str, Any], **columns: Any) -> bytes:
    """The row of the trace with this root."""
    at = root["started_at"]
    times = {"opened_at": at, "started_at": at}
    return trace_record(**{"tenant": root["tenant"], "trace_id": root["trace_id"].hex(), **times, **columns})


def hour_of(tenant: str, hour: int) -> list[dict[str, Any]]:
    """The spans of sixty traces that begin in an hour."""
    return lean_rows(60, hour, NOW_NS + hour * HOUR_NS, tenant)
