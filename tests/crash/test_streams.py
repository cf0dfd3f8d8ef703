"""Workers killed, stopped, joined and left: every acknowledged span is decided, once, as if nothing had happened."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from loadtest.reader.told import decided
from streams.ending import FAILED
from tests.builders.bundles import S, bundle, trace_id
from tests.fixtures.poison import make_deadly, poison
from tests.fixtures.streaming import PARTITIONS, Pipeline, load
from tests.fixtures.takeovers import takeovers
from tests.fixtures.waiting import PATIENCE_S, eventually
from tracemill import topics
from tracemill.assembly import blocks

pytestmark = pytest.mark.crash

SPANS = 16_000
RATE = 2_000
ODD = ("--late-every", "20", "--late-after", "8", "--rootless-every", "25", "--spread", "3")


@pytest.fixture
def pipeline(kafka: str, namespace: str, tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(kafka, namespace, tmp_path)
    made.make_topics()
    yield made
    made.stop()


def check(pipeline: Pipeline, spans: int = SPANS) -> None:
    """Everything decided as an independent reader of the log decides it, and everything kept is on `spans.v1`."""
    pipeline.settle()
    found, expected = [decided(rows) for rows in pipeline.rows()], pipeline.expected()
    assert found == expected
    everything = {(row[0][:16], span) for rows in expected for row in rows for span in row[7]}
    assert len(everything) == spans
    assert pipeline.stored_spans() == everything


def test_kill_9_again_and_again(pipeline: Pipeline) -> None:
    worker = pipeline.worker()
    source = load(pipeline, SPANS, RATE, *ODD)
    for pause in (2.0, 1.1, 2.3):
        time.sleep(pause)
        worker.restart()
    assert source.wait(60) == 0
    check(pipeline)


def test_a_worker_started_again_takes_its_place_and_no_other_hears_of_it(pipeline: Pipeline) -> None:
    pipeline.session_timeout_ms = 300_000  # whoever waits for that waits longer than this test
    pipeline.worker()
    second = pipeline.worker()
    source = load(pipeline, SPANS // 2, RATE, *ODD)
    before = pipeline.shares()
    killed_ms = time.time_ns() // 1_000_000
    second.restart()
    assert source.wait(60) == 0
    check(pipeline, SPANS // 2)
    assert pipeline.shares() == before
    assert takeovers(pipeline.config.kafka, killed_ms).keys() == before["worker-1"]


def test_a_worker_whose_name_another_one_takes_ends_and_says_why(pipeline: Pipeline) -> None:
    first = pipeline.worker("same")
    source = load(pipeline, SPANS // 4, RATE, *ODD)
    pipeline.worker("same")
    assert first.process
    assert first.process.wait(PATIENCE_S) == FAILED
    assert "another worker has the same streams.instance; give each its own instance=same" in first.log.read_text()
    assert source.wait(60) == 0
    check(pipeline, SPANS // 4)


def test_a_worker_that_its_group_refuses_ends_and_says_why(pipeline: Pipeline) -> None:
    pipeline.session_timeout_ms = 1  # brokers take none that is so short
    with pytest.raises(AssertionError, match=r"this worker can't be in its consumer group why=.*InvalidSessionTimeout"):
        pipeline.worker()


def test_a_second_worker_joins_and_leaves(pipeline: Pipeline) -> None:
    first = pipeline.worker()
    source = load(pipeline, SPANS, RATE, *ODD)
    time.sleep(1.5)
    second = pipeline.worker()
    time.sleep(3)
    began = time.monotonic()
    assert second.stop() == 0
    assert time.monotonic() - began < 10
    assert source.wait(60) == 0
    check(pipeline)
    assert first.process
    assert first.process.poll() is None


def test_a_worker_that_slept_beyond_its_session_does_no_harm(pipeline: Pipeline) -> None:
    sleeper = pipeline.worker()
    source = load(pipeline, SPANS, RATE, *ODD)
    time.sleep(2)
    sleeper.signal(signal.SIGSTOP)
    pipeline.worker()
    eventually(lambda: pipeline.shares().keys(), {"worker-1"})
    sleeper.signal(signal.SIGCONT)
    assert sleeper.process
    assert sleeper.process.wait(PATIENCE_S) == FAILED
    assert source.wait(60) == 0
    check(pipeline)


def test_one_and_three_workers_write_the_same_rows_in_the_same_order(
    pipeline: Pipeline, kafka: str, namespace: str, tmp_path: Path
) -> None:
    one = Pipeline(kafka, namespace, tmp_path, output=f"{namespace}-one")
    three = Pipeline(kafka, namespace, tmp_path, output=f"{namespace}-three")
    try:
        one.make_topics()
        three.make_topics()
        one.worker()
        assert load(pipeline, SPANS, RATE, *ODD).wait(60) == 0
        one.settle()
        for _ in range(3):
            three.worker()
        three.settle()
        rows = one.rows()
        assert sum(map(len, rows)) >= SPANS / 8
        assert three.rows() == rows
    finally:
        one.stop()
        three.stop()


def test_decisions_that_nobody_can_read_are_made_again_also_where_nothing_comes_any_longer(pipeline: Pipeline) -> None:
    worker = pipeline.worker()
    source = load(pipeline, SPANS // 2, RATE, *ODD)
    time.sleep(2)
    pipeline.spoil(b"no block")
    assert source.wait(60) == 0
    check(pipeline, SPANS // 2)
    once, done = told(pipeline), pipeline.committed()
    assert not pipeline.dead_letters()
    worker.restart()
    eventually(lambda: len(pipeline.dead_letters()), PARTITIONS)
    eventually(lambda: all(now > before for now, before in zip(pipeline.committed(), done, strict=True)), True)
    check(pipeline, SPANS // 2)
    assert {letter["reason"] for letter in pipeline.dead_letters()} == {"not_a_block"}
    again = told(pipeline)
    assert all(rows[: len(before)] == before for rows, before in zip(again, once, strict=True))
    assert all(set(rows[len(before) :]) <= set(before) for rows, before in zip(again, once, strict=True))
    assert sum(map(len, again)) > sum(map(len, once))
    worker.restart()  # and then everything is known
    check(pipeline, SPANS // 2)
    assert told(pipeline) == again


def told(pipeline: Pipeline) -> list[list[str]]:
    """All rows of `decisions.v1`, by partition, also those that were told before."""
    found: list[list[str]] = []
    for messages in pipeline.read(topics.DECISIONS):
        found.append([])
        for message in messages:
            with suppress(ValueError):
                found[-1] += map(repr, blocks.read(message.value() or b"").rows.to_pylist())
    return found


def test_a_record_that_kills_the_worker_is_set_aside(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_deadly(tmp_path, monkeypatch)
    for each in (bundle([S(trace=1), S(trace=2)]), poison(), bundle([S(trace=4)])):
        pipeline.append(0, *each)
    for _ in range(6):
        if not pipeline.dead_letters():
            with suppress(AssertionError):  # it dies before it is ready
                pipeline.worker()
            time.sleep(2)
    pipeline.settle()
    (letter,) = pipeline.dead_letters()
    assert (letter["reason"], letter["offset"]) == ("killed_worker", 1)
    assert {row["trace_id"] for row in pipeline.rows()[0]} == {trace_id(1), trace_id(2), trace_id(4)}
