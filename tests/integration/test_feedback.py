"""What people say about traces, through the whole stack: shown, counted once, and its trace kept if it can be."""

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
from tests.builders.otlp import request, span, span_id, trace_id
from tests.fixtures.waiting import PATIENCE_S, eventually
from tests.fixtures.whole import Stack, stack
from tracemill import topics
from tracemill.config import Config, token_hash
from tracemill.topics import partition_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

RULES = "{version: 1, rules: [], default: {probability: 0}}"
MINE, THEIRS = "mine-0123456789", "theirs-0123456789"
QUIET_MS, IDLE_MS = 200, 4_000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("feedback")
    (directory / "rules.yaml").write_text(RULES)
    tokens = [{"sha256": token_hash(MINE), "tenant": "mine", "name": "the shop"}]
    tokens += [{"sha256": token_hash(THEIRS), "tenant": "theirs"}]
    settings = {
        "kafka": {"partitions": 2},
        "ingest": {"tokens": tokens},
        "assembly": {"quiet_period_ms": QUIET_MS, "max_idle_ms": IDLE_MS, "late_grace_ms": 300},
        "sampling": {"rules": str(directory / "rules.yaml")},
    }
    with stack(directory, settings) as made:
        yield made


def send(running: Stack, trace: int, *numbers: int) -> str:
    """Spans of a trace; number 0 is its root, and ends it. Its id."""
    now_ns = time.time_ns()
    times = {"start_time_unix_nano": now_ns - 10**9, "end_time_unix_nano": now_ns}
    spans = [span(trace, number, parent=0 if number else None, **times) for number in numbers]
    url = f"http://127.0.0.1:{running.config.ingest.http_port}/v1/traces"
    headers = {"content-type": "application/x-protobuf", "x-tracemill-key": MINE}
    assert _open(urllib.request.Request(url, request(*spans).SerializeToString(), headers))[0] == 200
    return trace_id(trace).hex()


def ask(running: Stack, path: str, body: Any = None, token: str = MINE) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{running.config.api.port}/api/v1/{path}"
    headers = {"x-tracemill-key": token, "content-type": "application/json"}
    return _open(urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers))


def _open(asked: urllib.request.Request) -> tuple[int, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=PATIENCE_S) as answer:
            read = answer.read()
            return answer.status, json.loads(read) if read[:1] == b"{" else read
    except HTTPError as error:
        return error.code, json.load(error)


def say(running: Stack, trace: str, token: str = MINE, **more: Any) -> Any:
    """Feedback that has to be taken."""
    status, answer = ask(running, "feedback", {"trace_id": trace, "name": "thumbs", "value": False, **more}, token)
    assert status == 202, answer
    return answer


def policy(running: Stack, name: str) -> str | None:
    status, found = ask(running, f"traces/{name}")
    return found["trace"]["policy"] if status == 200 and found["trace"] else None


def spans(running: Stack, name: str) -> set[tuple[str, float]]:
    """Ids and weights of a trace's spans."""
    status, found = ask(running, f"traces/{name}")
    tops = found["spans"] if status == 200 else []
    return {(one["span_id"], one["adjusted_count"]) for top in tops for one in (top, *top["children"])}


def scores(running: Stack, name: str, token: str = MINE) -> list[Any]:
    status, found = ask(running, f"traces/{name}", token=token)
    return found["scores"] if status == 200 else []


def weightless(*numbers: int) -> set[tuple[str, float]]:
    return {(span_id(number).hex(), 0.0) for number in numbers}


def test_a_dropped_trace_that_somebody_speaks_of_is_kept_whole_and_counts_for_nothing(running: Stack) -> None:
    name = send(running, 1, 1, 0)
    eventually(partial(policy, running, name), "default")
    answer = say(running, name, comment="made it up")
    assert answer["trace"] == {"status": "requested", "policy": "promoted:feedback", "log_since": None}
    eventually(partial(policy, running, name), "promoted:feedback")
    eventually(partial(spans, running, name), weightless(0, 1))
    eventually(partial(scores, running, name), [answer["score"]])
    assert (answer["score"]["author"], answer["score"]["value"]) == ("the shop", False)
    assert say(running, name)["trace"]["status"] == "kept"


def test_a_trace_that_is_still_open_is_kept_when_it_closes(running: Stack) -> None:
    name = send(running, 2, 1)
    assert say(running, name)["trace"]["status"] == "unknown"
    send(running, 2, 0)
    eventually(partial(policy, running, name), "promoted:feedback")
    eventually(partial(spans, running, name), weightless(0, 1))


def test_a_trace_that_comes_after_what_is_said_about_it_is_kept_too(running: Stack) -> None:
    name = trace_id(3).hex()
    given = say(running, name)
    assert given["trace"]["status"] == "unknown"
    eventually(partial(scores, running, name), [given["score"]])
    assert ask(running, f"traces/{name}")[1]["trace"] is None
    send(running, 3, 1, 0)
    eventually(partial(policy, running, name), "promoted:feedback")
    eventually(partial(spans, running, name), weightless(0, 1))


def test_whoever_only_says_it_keeps_nothing(running: Stack) -> None:
    name = send(running, 4, 0)
    eventually(partial(policy, running, name), "default")
    given = say(running, name, value=0.25, promote=False)
    assert given["trace"]["status"] == "left"
    eventually(partial(scores, running, name), [given["score"]])
    assert policy(running, name) == "default"


def test_what_is_said_again_takes_the_place_of_what_was_said(running: Stack) -> None:
    name = send(running, 5, 1, 0)
    first = say(running, name, value="bad", id="ui-7")
    eventually(partial(scores, running, name), [first["score"]])
    second = say(running, name, value="good", id="ui-7")
    eventually(partial(scores, running, name), [second["score"]])
    for value in (1, 2, 3):
        last = say(running, name, name="stars", value=value, span_id=span_id(1).hex().upper())
    eventually(partial(scores, running, name), [last["score"], second["score"]])
    assert [one["value"] for one in scores(running, name)] == [3, "good"]
    assert last["score"]["span_id"] == span_id(1).hex()


def test_another_tenant_neither_sees_nor_keeps_it(running: Stack) -> None:
    name = send(running, 6, 1, 0)
    eventually(partial(policy, running, name), "default")
    mine = say(running, name, promote=False, id="same")
    theirs = say(running, name, token=THEIRS, id="same")
    assert theirs["trace"]["status"] == "unknown"
    eventually(partial(scores, running, name), [mine["score"]])
    eventually(partial(scores, running, name, THEIRS), [theirs["score"]])
    found = ask(running, f"traces/{name}", token=THEIRS)[1]
    assert (found["trace"], found["spans"]) == (None, [])
    # A later trace of the same partition has been through everything that was asked for before.
    again = next(
        number for number in range(100, 200) if partition(running, trace_id(number)) == partition_of_hex(running, name)
    )
    later = send(running, again, 0)
    say(running, later)
    eventually(partial(policy, running, later), "promoted:feedback")
    assert policy(running, name) == "default"
    assert ask(running, "feedback", {"trace_id": name, "name": "x", "value": 1}, token="nobody")[0] == 401


def partition(running: Stack, trace: bytes) -> int:
    return partition_of(trace, running.config.kafka.partitions)


def partition_of_hex(running: Stack, name: str) -> int:
    return partition(running, bytes.fromhex(name))


def test_from_a_terminal(running: Stack) -> None:
    name = send(running, 7, 1, 0)
    eventually(partial(policy, running, name), "default")
    said = command(running, "feedback", name, "--name", "thumbs", "--value", "down", "--comment", "no\x1b[31m!")
    assert (said.returncode, said.stderr) == (0, "")
    assert "it was dropped; it is read again from the log and stored" in said.stdout
    eventually(lambda: len(scores(running, name)), 1)
    eventually(partial(policy, running, name), "promoted:feedback")
    shown = command(running, "trace", name)
    assert "thumbs down" in shown.stdout
    assert "by the shop" in shown.stdout
    assert "\x1b" not in shown.stdout


def command(running: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    url = f"http://127.0.0.1:{running.config.api.port}"
    whole = [sys.executable, "-m", "cli.main", *words, "--url", url, "--token", MINE]
    return subprocess.run(whole, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_of_a_trace_that_the_log_has_forgotten_the_score_is_taken_and_the_answer_says_so(running: Stack) -> None:
    name = send(running, 8, 1, 0)
    eventually(partial(policy, running, name), "default")
    forget(running.config, name)
    given = say(running, name)
    assert given["trace"]["status"] == "gone"
    eventually(partial(scores, running, name), [given["score"]])
    assert policy(running, name) == "default"
    other = next(
        number for number in range(200, 300) if partition(running, trace_id(number)) == partition_of_hex(running, name)
    )
    eventually(partial(policy, running, send(running, other, 0)), "default")
    eventually(lambda: say(running, name)["trace"]["log_since"] is not None)


def forget(config: Config, name: str) -> None:
    """The log of a trace's partition loses everything that it has now."""
    place = TopicPartition(
        topics.OTLP.name(config.kafka.namespace), partition_of(bytes.fromhex(name), config.kafka.partitions)
    )
    admin = AdminClient(client_settings(config.kafka))
    (end,) = admin.list_offsets({place: OffsetSpec.latest()}).values()
    admin.delete_records([TopicPartition(place.topic, place.partition, end.result().offset)])[place].result()
