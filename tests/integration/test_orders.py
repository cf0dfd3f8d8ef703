"""What operators order, through the whole stack: a dropped trace is kept after all, and everything of a user."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.error import HTTPError

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from runtime.kafka import client_settings
from tests.builders.otlp import request, span, span_id, text, trace_id
from tests.fixtures.waiting import PATIENCE_S, eventually
from tests.fixtures.whole import Stack, stack
from tracemill import topics
from tracemill.topics import partition_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

RULES = """
version: 1
rules: [{name: errors, keep: error_count > 0}, {name: slow, keep: duration_ms > route_p95_ms}]
default: {probability: 0}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("orders")
    (directory / "rules.yaml").write_text(RULES)
    settings = {
        "kafka": {"partitions": 2},
        "assembly": {"quiet_period_ms": 200, "late_grace_ms": 300},
        "sampling": {"rules": str(directory / "rules.yaml")},
    }
    with stack(directory, settings) as made:
        yield made


def send(running: Stack, trace: int, user: str = "bob") -> str:
    """A trace of two spans of this moment; its id."""
    now_ns = time.time_ns()
    times = {"start_time_unix_nano": now_ns - 10**9, "end_time_unix_nano": now_ns}
    sent = request(
        span(trace, 0, attributes=[text("user.id", user)], **times), span(trace, 1, parent=0, **times)
    ).SerializeToString()
    url = f"http://127.0.0.1:{running.config.ingest.http_port}/v1/traces"
    _open(urllib.request.Request(url, sent, {"content-type": "application/x-protobuf"}))
    return trace_id(trace).hex()


def ask(running: Stack, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{running.config.api.port}/api/v1/{path}"
    data = None if body is None else json.dumps(body).encode()
    return _open(urllib.request.Request(url, data, {"content-type": "application/json"} if data else {}, method=method))


def _open(asked: urllib.request.Request) -> tuple[int, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=PATIENCE_S) as answer:
            read = answer.read()
            return answer.status, json.loads(read) if read[:1] == b"{" else read
    except HTTPError as error:
        return error.code, json.load(error)


def policy(running: Stack, name: str) -> str | None:
    status, found = ask(running, f"traces/{name}")
    return found["trace"]["policy"] if status == 200 and found["trace"] else None


def spans(running: Stack, name: str) -> set[tuple[str, float]]:
    """Ids and weights of a trace's spans."""
    status, found = ask(running, f"traces/{name}")
    tops = found["spans"] if status == 200 else []
    return {(one["span_id"], one["adjusted_count"]) for top in tops for one in (top, *top["children"])}


def command(running: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    url = f"http://127.0.0.1:{running.config.api.port}"
    whole = [sys.executable, "-m", "cli.main", *words, "--url", url]
    return subprocess.run(whole, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_a_dropped_trace_is_kept_after_all(running: Stack) -> None:
    name = send(running, 1)
    eventually(partial(policy, running, name), "default")
    assert spans(running, name) == set()
    status, answer = ask(running, f"traces/{name}/promote", "POST", {"why": "feedback"})
    assert (status, answer["status"], answer["policy"]) == (202, "requested", "promoted:feedback")
    eventually(partial(policy, running, name), "promoted:feedback")
    eventually(partial(spans, running, name), {(span_id(0).hex(), 0.0), (span_id(1).hex(), 0.0)})
    status, answer = ask(running, f"traces/{name}/promote", "POST", {})
    assert (status, answer["status"]) == (202, "kept")


def test_one_that_nobody_knows_is_not_found(running: Stack) -> None:
    status, problem = ask(running, f"traces/{'ab' * 16}/promote", "POST", {})
    assert (status, problem["type"]) == (404, "urn:tracemill:problem:not-found")


def test_everything_of_a_user_is_kept_until_it_is_revoked(running: Stack) -> None:
    added = command(running, "overrides", "add", "user", "ada", "--for", "2h", "--why", "ticket 7")
    assert (added.returncode, added.stderr) == (0, "")
    (listed,) = ask(running, "overrides")[1]["overrides"]
    assert (listed["of"], listed["value"], listed["in_force"], listed["why"]) == ("user_id", "ada", True, "ticket 7")
    hers, his = send(running, 2, user="ada"), send(running, 3)
    eventually(partial(policy, running, hers), f"override:{listed['id']}")
    eventually(partial(policy, running, his), "default")
    assert command(running, "overrides", "revoke", listed["id"]).returncode == 0
    assert "revoked by anyone on this machine" in command(running, "overrides", "list").stdout
    later = send(running, 4, user="ada")
    eventually(partial(policy, running, later), "default")


def test_what_is_not_right_is_refused_by_name(running: Stack) -> None:
    for body, named in (
        ({"of": "user_id", "value": "ada"}, "hours"),
        ({"of": "user_id", "value": "ada", "hours": 1_000}, "hours"),
        ({"of": "colour", "value": "ada", "hours": 1}, "of"),
        ({"of": "tenant", "value": "ada", "hours": 1}, "value"),
        ({"of": "user_id", "value": "ada", "hours": 1, "forever": True}, "forever"),
    ):
        status, problem = ask(running, "overrides", "POST", body)
        assert (status, problem["type"]) == (400, "urn:tracemill:problem:bad-body")
        assert named in problem["detail"]
    assert ask(running, "overrides/0123456789ab", "DELETE")[0] == 404
    url = f"http://127.0.0.1:{running.config.api.port}/api/v1/overrides"
    plain = urllib.request.Request(url, b"{}", {"content-type": "text/plain"})
    assert _open(plain)[0] == 415


def test_the_rules_at_work(running: Stack) -> None:
    name = send(running, 5)
    eventually(partial(policy, running, name), "default")
    _, answer = ask(running, "rules?from=1h")
    assert [rule["name"] for rule in answer["rules"]["rules"]] == ["errors", "slow"]
    by_default = next(one for one in answer["policies"] if one["policy"] == "default")
    assert (by_default["kept"], by_default["kept_bytes"], by_default["share"]) == (0, 0, 0)
    assert by_default["spans"] == 2 * by_default["traces"]
    assert by_default["bytes"] > 50 * by_default["spans"]


def test_one_that_the_log_has_forgotten_is_gone_and_the_answer_says_since_when(running: Stack) -> None:
    name = send(running, 6)
    eventually(partial(policy, running, name), "default")
    kafka = running.config.kafka
    place = TopicPartition(topics.OTLP.name(kafka.namespace), partition_of(bytes.fromhex(name), kafka.partitions))
    admin = AdminClient(client_settings(kafka))
    (end,) = admin.list_offsets({place: OffsetSpec.latest()}).values()
    admin.delete_records([TopicPartition(place.topic, place.partition, end.result().offset)])[place].result()
    status, problem = ask(running, f"traces/{name}/promote", "POST", {})
    assert (status, problem["type"]) == (410, "urn:tracemill:problem:gone")
    assert "the log no longer has all of them: it " in problem["detail"]
