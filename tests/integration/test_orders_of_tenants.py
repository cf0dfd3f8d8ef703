"""An order is its tenant's: nobody else sees it, takes it back, or has a trace of theirs kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from runtime.kafka import ensure_topics
from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.frames import lean_rows
from tests.builders.served import api_config, fill, served
from tracemill.config import Store

pytestmark = pytest.mark.integration

MINE, THEIRS = {"x-tracemill-key": "mine"}, {"x-tracemill-key": "theirs"}
TRACE = lean_rows(1, 3)[0]["trace_id"].hex()
ASKED = {"of": "user_id", "value": "ada", "hours": 2}


@pytest.fixture(scope="module")
def client(kafka: str, store: str) -> Iterator[TestClient]:
    admin = connect(Store(url=store))
    apply(admin, Layout("orders_of_tenants", "", 3_650))
    fill(admin, "orders_of_tenants", lean_rows(1, 3, tenant="mine"), decision="drop")
    config = api_config(store, "orders_of_tenants", {"mine": "mine", "theirs": "theirs"})
    section = config.kafka.model_copy(update={"bootstrap": kafka, "namespace": "orders-of-tenants", "partitions": 2})
    config = config.model_copy(update={"kafka": section})
    ensure_topics(config.kafka)
    with served(config) as (found, _):
        yield found
    admin.command("DROP DATABASE orders_of_tenants SYNC")
    admin.close()


def overrides(client: TestClient, who: dict[str, str]) -> list[dict[str, Any]]:
    return client.get("/api/v1/overrides", headers=who).json()["overrides"]


def test_an_override_is_its_tenants(client: TestClient) -> None:
    ordered = client.post("/api/v1/overrides", json=ASKED, headers=MINE).json()
    assert [one["id"] for one in overrides(client, MINE)] == [ordered["id"]]
    assert ordered["by"].startswith("token ")
    assert overrides(client, THEIRS) == []
    assert client.delete(f"/api/v1/overrides/{ordered['id']}", headers=THEIRS).status_code == 404
    assert overrides(client, MINE)[0]["in_force"]
    assert client.delete(f"/api/v1/overrides/{ordered['id']}", headers=MINE).json()["in_force"] is False


def test_nobody_has_a_trace_of_another_kept(client: TestClient) -> None:
    path = f"/api/v1/traces/{TRACE}/promote"
    assert client.post(path, json={}, headers=THEIRS).status_code == 404
    assert client.post(path, json={}, headers=MINE).status_code == 410


def test_nothing_is_ordered_without_a_token(client: TestClient) -> None:
    assert client.post("/api/v1/overrides", json=ASKED).status_code == 401
    assert client.get("/api/v1/overrides").status_code == 401


def test_there_is_room_for_so_many_of_a_tenant(client: TestClient) -> None:
    codes = [client.post("/api/v1/overrides", json=ASKED, headers=THEIRS).status_code for _ in range(21)]
    assert codes == [201] * 20 + [409]
