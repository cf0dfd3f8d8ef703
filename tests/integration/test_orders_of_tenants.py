"""An order is its tenant's: nobody else sees it, takes it back, or has a trace of theirs kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from confluent_kafka import Message
from starlette.testclient import TestClient

from runtime.control import apply_rules, order_override
from runtime.control import overrides as orders
from runtime.kafka import ensure_topics, read_from
from runtime.outbox import Outbox
from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.frames import NOW_NS, lean_rows
from tests.builders.served import HOUR_NS, api_config, fill, served
from tracemill import topics
from tracemill.config import Config, Store
from tracemill.control.overrides import SHOWN_MS, Order
from tracemill.sampling import RuleSet
from tracemill.sampling.steering import Of, Override

pytestmark = pytest.mark.integration

MINE, THEIRS = {"x-tracemill-key": "mine"}, {"x-tracemill-key": "theirs"}
TRACE = lean_rows(1, 3)[0]["trace_id"].hex()
RULES = """
version: 1
rules: [{name: theirs, keep: tenant = 'theirs'}]
default: {probability: 0}
"""
ASKED = {"of": "user_id", "value": "ada", "hours": 2}


@pytest.fixture(scope="module")
def config(kafka: str, store: str) -> Config:
    made = api_config(store, "orders_of_tenants", {"mine": "mine", "theirs": "theirs"})
    section = made.kafka.model_copy(update={"bootstrap": kafka, "namespace": "orders-of-tenants", "partitions": 2})
    return made.model_copy(update={"kafka": section})


@pytest.fixture(scope="module")
def client(config: Config, store: str) -> Iterator[TestClient]:
    admin = connect(Store(url=store))
    apply(admin, Layout("orders_of_tenants", "", 3_650))
    fill(admin, "orders_of_tenants", lean_rows(1, 3, tenant="mine"), decision="drop")
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


def test_a_tenant_among_others_is_shown_no_rules(client: TestClient, config: Config) -> None:
    with Outbox(config.kafka) as outbox:
        apply_rules(outbox, RuleSet.parse(RULES))
    answer = client.get("/api/v1/rules", params={"from": "7d"}, headers=MINE).json()
    assert (answer["rules"], len(answer["hash"])) == (None, 64)
    assert sum(policy["traces"] for policy in answer["policies"]) == 1
    assert client.get("/api/v1/rules", params={"from": "7d"}, headers=THEIRS).json()["policies"] == []


def test_there_is_room_for_so_many_of_a_tenant_also_when_all_ask_at_once(client: TestClient) -> None:
    def ask(_: int) -> int:
        return client.post("/api/v1/overrides", json=ASKED, headers=THEIRS).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(ask, range(24)))
    assert codes == [201] * 20 + [409] * 4
    assert sum(one["in_force"] for one in overrides(client, THEIRS)) == 20


def test_what_ended_long_ago_is_lost_with_the_next_order_and_what_is_still_shown_is_not(
    client: TestClient, config: Config
) -> None:
    now_ms = (NOW_NS + HOUR_NS) // 1_000_000
    ended = {"old": now_ms - SHOWN_MS, "shown": now_ms - SHOWN_MS + 1}
    with Outbox(config.kafka) as outbox:
        for name, until_ms in ended.items():
            override = Override(name, "mine", Of.USER, "ada", until_ms)
            order_override(outbox, Order(override, "ops", until_ms - 1_000))
    assert {"old", "shown"} <= {one.override.id for one in orders(config.kafka)}
    assert client.post("/api/v1/overrides", json=ASKED, headers=MINE).status_code == 201
    left = {one.override.id for one in orders(config.kafka)}
    assert "shown" in left
    assert "old" not in left
    assert "shown" in {one["id"] for one in overrides(client, MINE)}
    last: dict[bytes, bytes | None] = {}
    read_from(config.kafka, topics.CONTROL.name(config.kafka.namespace), {0: 0}, partial(keep, last))
    assert last[b"override/mine/old"] is None


def keep(found: dict[bytes, bytes | None], message: Message) -> None:
    found[message.key() or b""] = message.value()
