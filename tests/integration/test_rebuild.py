"""Is an emptied store filled again with what was in it, and does it say what can't be?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from sinks.clickhouse import connect
from sinks.rebuild_plan import DAY_MS
from tests.builders.frames import batch, lean_rows, score_record, span_record, trace_record
from tests.builders.rebuilding import Rows, altered, begin, count, minus, rebuild, stored
from tests.builders.sinking import Log, Sink, dead_letters, sink_config, uncommitted
from tests.fixtures.ports import own_port
from tests.fixtures.servers import Server
from tests.fixtures.streaming import Pipeline, load
from tests.fixtures.waiting import PATIENCE_S, eventually
from tracemill import topics
from tracemill.config import Config, Store

pytestmark = pytest.mark.integration

HOUR_MS = 3_600_000
ODD = ("--bundle-requests", "1", "--late-every", "10", "--late-after", "8", "--rootless-every", "20")
MARGIN_MS = 1_500
SHORT_MEMORY = {"max_age_ms": 1_000, "memory_horizon_ms": MARGIN_MS}


@dataclass(frozen=True, slots=True)
class Written:
    """What a stream worker and a sink have written in two goes, and the time between them."""

    config: Config
    first: Rows
    all: Rows
    between: str


@pytest.fixture(scope="module")
def written(kafka: str, store: str, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Traces with late spans and without roots; nobody writes any more."""
    directory, namespace = tmp_path_factory.mktemp("written"), f"t{uuid4().hex[:12]}"
    config = altered(sink_config(kafka, store, namespace), assembly=SHORT_MEMORY)
    pipeline, sink = Pipeline(kafka, namespace, directory), Sink(config, directory)
    pipeline.make_topics()
    client = connect(Store(url=store))
    try:
        pipeline.worker()
        sink.start()
        seen, between_s = [], []
        for seed in (1, 2):
            assert load(pipeline, 4_000, 2_000, "--seed", str(seed), *ODD).wait(PATIENCE_S) == 0
            pipeline.settle()
            speak(config)
            eventually(lambda: uncommitted(config), 0)
            seen.append(stored(client, namespace))
            between_s.append(time.time() + 2 * MARGIN_MS / 1000)
            eventually(lambda: time.time() > between_s[-1])
        assert sink.stop() == 0
    finally:
        pipeline.stop()
        sink.kill()
        client.close()
    return Written(config, *seen, f"{between_s[0]:.3f}")


def speak(config: Config) -> None:
    """Scores, of which every third takes the place of one that was given before."""
    log = Log(config)
    for number in range(30):
        told = {"trace_id": f"{number % 20:032x}", "value": time.time(), "at_ns": time.time_ns()}
        log.scores(score_record(**told), number % 20 % 4)
    log.flush()


@pytest.fixture
def client(store: str) -> Iterator[Client]:
    opened = connect(Store(url=store))
    yield opened
    opened.close()


def empty(client: Client, database: str) -> None:
    client.command(f"DROP DATABASE IF EXISTS {database} SYNC")


def test_an_emptied_store_is_filled_again_with_every_row_as_it_was(
    written: Written, client: Client, tmp_path: Path
) -> None:
    database = written.config.store.database
    revisions = client.query(f"SELECT uniq(revision), countIf(late) FROM {database}.spans").result_rows[0]
    assert min(revisions) > 1, "late spans are what makes it worth a test"
    empty(client, database)
    done = rebuild(written.config, tmp_path, "--from", "oldest")
    assert done.code() == 0, done.err
    assert stored(client, database) == written.all
    assert done.out.count("has every record that was ever written to it") == 3
    assert f"stored {len(written.all['otel_traces']):,} spans" in done.err


def test_a_second_time_changes_nothing_also_beside_a_sink(written: Written, client: Client, tmp_path: Path) -> None:
    database = written.config.store.database
    empty(client, database)
    sinks = {"group": f"{database}-again", "metrics_port": own_port()}
    config = altered(written.config, sinks=sinks)
    sink = Sink(config, tmp_path)
    sink.start()
    try:
        for _ in range(2):
            assert rebuild(written.config, tmp_path, "--from", "1h").code() == 0
        eventually(lambda: uncommitted(config), 0)
    finally:
        sink.kill()
    assert count(client, f"{database}.migrations") > 0
    assert stored(client, database) == written.all


def test_from_and_to_divide_what_was_written(written: Written, client: Client, tmp_path: Path) -> None:
    database = written.config.store.database
    empty(client, database)
    assert rebuild(written.config, tmp_path, "--from", written.between).code() == 0
    assert stored(client, database) == minus(written.all, written.first)
    empty(client, database)
    assert rebuild(written.config, tmp_path, "--from", "oldest", "--to", written.between).code() == 0
    assert stored(client, database) == written.first


def test_a_dry_run_counts_and_touches_no_store(written: Written, tmp_path: Path) -> None:
    nowhere = altered(written.config, store={"url": f"http://127.0.0.1:{own_port()}"})
    done = rebuild(nowhere, tmp_path, "--from", "oldest", "--dry-run")
    assert done.code() == 0, done.err
    *_, told, last = done.out.splitlines()
    records = told.split()[0]
    assert last.startswith(f"{records} records (")
    assert f"hold {len(written.all['otel_traces']):,} spans" in last


def near(count_: int, seed: int) -> list[dict]:
    """Traces of an hour ago."""
    return lean_rows(count_, seed, now_ns=time.time_ns() - HOUR_MS * 1_000_000)


def write(config: Config, records: int, seed: int = 1, at_ms: int = 0, log: Log | None = None) -> Log:
    """In each of the four partitions so many records of spans, a trace each, and as many of traces and of scores."""
    log = log or Log(config)
    rows = near(4 * records, seed)
    for number in range(4 * records):
        spans = rows[number * 8 : number * 8 + 8]
        started = spans[0]["started_at"]
        log.spans(span_record(batch(spans)), number % 4, at_ms)
        row = trace_record(trace_id=spans[0]["trace_id"].hex(), opened_at=started, started_at=started)
        log.traces(row, number % 4, at_ms)
        score = score_record(trace_id=spans[0]["trace_id"].hex(), at_ns=started)
        log.scores(score, number % 4, at_ms)
    log.flush()
    return log


def remove(config: Config, topic: topics.Topic, **before: int) -> None:
    """Remove what is before an offset in some partitions: p1=5."""
    name = topic.name(config.kafka.namespace)
    places = [TopicPartition(name, int(number[1:]), offset) for number, offset in before.items()]
    admin = AdminClient({"bootstrap.servers": config.kafka.bootstrap})
    for done in admin.delete_records(places).values():
        done.result(PATIENCE_S)


def test_what_was_written_just_before_is_read_too_and_what_has_expired_is_not(
    kafka: str, store: str, namespace: str, client: Client, tmp_path: Path
) -> None:
    config = sink_config(kafka, store, namespace)
    now_ms = int(time.time() * 1000)
    horizon_ms = config.assembly.memory_horizon_ms
    asked_ms = now_ms - HOUR_MS
    log = write(config, 1, seed=1, at_ms=now_ms - 2 * DAY_MS)
    write(config, 2, seed=2, at_ms=asked_ms - horizon_ms - 1, log=log)
    write(config, 4, seed=3, at_ms=asked_ms - horizon_ms, log=log)
    write(config, 8, seed=4, log=log)
    done = rebuild(config, tmp_path, "--from", f"{asked_ms / 1000:.3f}")
    assert done.code() == 0, done.err
    assert count(client, f"{namespace}.traces") == 4 * 12
    assert count(client, f"{namespace}.otel_traces") == 4 * 12 * 8
    assert count(client, f"{namespace}.scores") == 4 * 12
    expiring = altered(config, sinks={"retention_days": 2}, store={"database": f"{namespace}_1"})
    done = rebuild(expiring, tmp_path, "--from", "oldest")
    assert done.code() == 0, done.err
    assert "has expired (sinks.retention_days: 2) and is left out" in done.out
    assert "stored 448 spans, 56 trace rows and 56 scores" in done.err


def test_a_log_that_does_not_reach_back_says_from_when_on_and_rebuilds_that(
    kafka: str, store: str, namespace: str, client: Client, tmp_path: Path
) -> None:
    config = sink_config(kafka, store, namespace)
    now_ms = int(time.time() * 1000)
    log = write(config, 3, seed=1, at_ms=now_ms - 5 * HOUR_MS)
    write(config, 5, seed=2, at_ms=now_ms - 2 * HOUR_MS, log=log)
    remove(config, topics.SPANS, p1=3)
    remove(config, topics.TRACES, p2=1)
    for words, code in ((("--from", "4h"), 3), (("--from", "1h"), 0), (("--from", "oldest"), 0)):
        empty(client, namespace)
        done = rebuild(config, tmp_path, *words)
        assert done.code() == code, done.err
    name, at = config.kafka.namespace, time.gmtime((now_ms - 2 * HOUR_MS) // 1000)
    reaches = f"{name}.spans.v1 reaches back to {time.strftime('%Y-%m-%dT%H:%M:%S', at)}"
    assert reaches in done.out
    assert f"{name}.traces.v1 reaches back to " in done.out
    assert count(client, f"{namespace}.otel_traces") == (4 * 8 - 3) * 8
    assert count(client, f"{namespace}.traces") == 4 * 8 - 1
    done = rebuild(config, tmp_path, "--from", "4h", "--dry-run")
    assert done.code() == 3
    assert f"What is older than {time.strftime('%Y-%m-%dT%H:%M:%S', at)}" in done.out
    remove(config, topics.SPANS, p3=8)
    done = rebuild(config, tmp_path, "--from", "1h")
    assert done.code() == 3
    assert f"{name}.spans.v1 holds nothing any longer of what was in partition 3" in done.out


def hide(client: Client, database: str) -> None:
    """From here on no block of spans is taken, and trace rows are."""
    client.command(f"RENAME TABLE {database}.spans_in TO {database}.hidden")


def show(client: Client, database: str) -> None:
    client.command(f"RENAME TABLE {database}.hidden TO {database}.spans_in")


@pytest.fixture
def filled(kafka: str, store: str, namespace: str, client: Client, tmp_path: Path) -> Config:
    """A log, and a store with tables and no rows, that takes no spans until `show`."""
    config = sink_config(kafka, store, namespace, insert_rows=100, buffer_bytes=100_000)
    write(config, 50)
    assert rebuild(config, tmp_path, "--from", "now", "--to", "now").code() == 2
    assert rebuild(config, tmp_path, "--from", "1h", "--to", "30m").code() == 0
    hide(client, namespace)
    return config


def test_a_store_that_goes_away_is_waited_for(kafka: str, own_store: Server, namespace: str, tmp_path: Path) -> None:
    config = sink_config(kafka, own_store.address, namespace, insert_rows=100)
    write(config, 50)
    own_store.kill()
    begun = begin(config, tmp_path, "--from", "oldest")
    begun.says("waiting for the store")
    own_store.start()
    client = connect(config.store)
    eventually(lambda: "spans_in" in client.query("SELECT groupArray(name) FROM system.tables").result_rows[0][0])
    assert begun.code() == 0, begun.err
    whole = stored(client, namespace)
    assert len(whole["traces"]) == 200
    client.command(f"TRUNCATE TABLE {namespace}.otel_traces")
    client.command(f"TRUNCATE TABLE {namespace}.otel_traces_trace_id_ts")
    client.command(f"TRUNCATE TABLE {namespace}.traces")
    hide(client, namespace)
    begun = begin(config, tmp_path, "--from", "oldest")
    eventually(lambda: count(client, f"{namespace}.traces"), 200)
    begun.says("run `tracemill schema apply`")
    own_store.kill()
    begun.says("is it up, and is store.url right?")
    own_store.start()
    client = connect(config.store)
    show(client, namespace)
    assert begun.code() == 0, begun.err
    assert stored(client, namespace) == whole
    client.close()


def test_ctrl_c_says_how_far_it_came_and_a_second_run_does_the_rest(
    filled: Config, client: Client, tmp_path: Path
) -> None:
    database = filled.store.database
    begun = begin(filled, tmp_path, "--from", "oldest")
    eventually(lambda: (count(client, f"{database}.traces"), count(client, f"{database}.scores")), (200, 200))
    begun.interrupt()
    assert begun.code() == 130
    assert "stopped after " in begun.err
    assert " 0 spans, 200 trace rows and 200 scores; all that was written before " in begun.err
    assert "Traceback" not in begun.err
    show(client, database)
    again = begun.err.partition("go on with --from ")[2].partition(",")[0]
    done = rebuild(filled, tmp_path, "--from", again)
    assert done.code() == 0, done.err
    assert (count(client, f"{database}.otel_traces"), count(client, f"{database}.traces")) == (1_600, 200)


def test_records_that_retention_removes_meanwhile_are_counted_and_never_waited_for(
    filled: Config, client: Client, tmp_path: Path
) -> None:
    database = filled.store.database
    begun = begin(filled, tmp_path, "--from", "oldest")
    eventually(lambda: count(client, f"{database}.traces"), 200)
    remove(filled, topics.SPANS, p0=50, p1=50, p2=49, p3=50)
    show(client, database)
    assert begun.code() == 3, begun.err
    lost = int(begun.err.partition(" records can't be had from the log any longer")[0].rpartition(" ")[2])
    assert lost > 0
    assert begun.err.count("no longer in the log") in (3, 4)
    assert count(client, f"{database}.otel_traces") == (200 - lost) * 8


def test_a_record_that_nobody_can_read_is_named_and_the_rest_is_there(
    kafka: str, store: str, namespace: str, client: Client, tmp_path: Path
) -> None:
    config = sink_config(kafka, store, namespace)
    log = Log(config)
    log.spans(b"not arrow")
    log.traces(b"{}", 2)
    log.traces(trace_record(trace_id="0a" * 16, span_count="many"), 3)
    write(config, 5, log=log)
    done = rebuild(config, tmp_path, "--from", "1h")
    assert done.code() == 0, done.err
    for place, reason in (("spans.v1/0@0", "undecodable"), ("traces.v1/2@0", "wrong_schema")):
        assert f"record {namespace}.{place} is left out: {reason}: " in done.err
    assert f"record {namespace}.traces.v1/3@0 is left out: refused_by_target: " in done.err
    assert "3 records can't be read" in done.err
    assert (count(client, f"{namespace}.otel_traces"), count(client, f"{namespace}.traces")) == (160, 20)
    assert dead_letters(config) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--from", "yesterday"), "--from: 'yesterday' is no time: write a time such as"),
        (("--from", "1h", "--to", "2h"), "--from isn't before --to"),
        (("--from", "1h"), "has no topic"),
    ],
)
def test_what_cannot_be_asked_for_is_said_in_a_line(
    kafka: str, store: str, namespace: str, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    done = rebuild(sink_config(kafka, store, namespace), tmp_path, *words)
    assert (done.code(), done.out, done.err.count("\n")) == (2, "", 1)
    assert says in done.err


def test_a_broker_that_is_away_is_said_in_a_line(store: str, namespace: str, tmp_path: Path) -> None:
    done = rebuild(sink_config(f"127.0.0.1:{own_port()}", store, namespace), tmp_path, "--from", "1h")
    assert (done.code(), done.err.count("\n")) == (2, 1)
    assert "`tracemill doctor` says more" in done.err
