"""A log read again tells the same rows, another configuration other ones, and what can't be read again is said."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from loadtest.reread.log import LogMovedError, NoLogError, SourceLog
from loadtest.reread.plan import Run
from loadtest.reread.replay import Replay
from loadtest.reread.workers import WorkerEndedError
from runtime.kafka import ensure_topics, producer_settings
from runtime.ports import free_port
from tests.fixtures.streaming import ASSEMBLY
from tracemill import topics
from tracemill.config import Config, Kafka, parse

pytestmark = pytest.mark.integration

PARTITIONS = 3
SPANS = 6_000


@pytest.fixture
def kafka_section(kafka: str, namespace: str) -> Kafka:
    return Kafka(bootstrap=kafka, namespace=namespace, partitions=PARTITIONS)


@pytest.fixture
def filled(kafka_section: Kafka) -> Kafka:
    command = [sys.executable, "-m", "loadtest.fill", "--bootstrap", kafka_section.bootstrap]
    command += ["--namespace", kafka_section.namespace, "--partitions", str(PARTITIONS), "--spans", str(SPANS)]
    odd = [
        "--rate",
        "3000",
        "--bundle-requests",
        "1",
        "--late-every",
        "10",
        "--late-after",
        "8",
        "--rootless-every",
        "20",
    ]
    subprocess.run([*command, *odd], check=True, timeout=60, capture_output=True)
    return kafka_section


def reread(kafka: Kafka, *words: str) -> subprocess.CompletedProcess[str]:
    where = ["--bootstrap", kafka.bootstrap, "--namespace", kafka.namespace]
    return subprocess.run(
        [sys.executable, "-m", "loadtest.reread", *where, *words], capture_output=True, text=True, timeout=200
    )


def settings(directory: Path, name: str, **assembly: Any) -> str:
    file = directory / name
    file.write_text(yaml.safe_dump({"assembly": ASSEMBLY | assembly}))
    return str(file)


def topics_of_runs(kafka: Kafka) -> list[str]:
    known = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=10).topics
    return [name for name in known if name.startswith(f"{kafka.namespace}-reread-")]


def test_one_and_two_workers_write_the_same_rows(filled: Kafka, tmp_path: Path) -> None:
    config = settings(tmp_path, "quick.yaml")
    done = reread(filled, "--workers", "1", "--workers", "2", "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    spans = re.search(r"^spans all +([\d,]+)  (\w+) +([\d,]+)  (\w+) +equal$", done.stdout, re.MULTILINE)
    assert spans, done.stdout
    assert spans.groups()[:2] == spans.groups()[2:]
    assert spans[1] == f"{SPANS:,}"
    decisions = re.findall(rf"^decisions [0-{PARTITIONS - 1}] +[\d,]+  \w{{16}} .* equal$", done.stdout, re.MULTILINE)
    assert len(decisions) == PARTITIONS
    assert "DIFFER" not in done.stdout
    assert "records read" in done.stderr
    assert topics_of_runs(filled) == []


def test_another_configuration_is_found_out_and_the_row_named(filled: Kafka, tmp_path: Path) -> None:
    configs = settings(tmp_path, "one.yaml"), settings(tmp_path, "other.yaml", quiet_period_ms=900)
    words = [word for config in configs for word in ("--workers", "1", "--config", config)]
    done = reread(filled, *words, "--keep")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the runs DIFFER" in done.stdout
    assert re.search(r"^decisions all .* DIFFERENT$", done.stdout, re.MULTILINE)
    named = (
        r"^decisions, partition \d, row \d+\n +.*trace [0-9a-f]{32}, tenant default, revision \d+, row \w+, cause \d+"
    )
    assert re.search(named, done.stdout, re.MULTILINE), done.stdout
    assert "1 worker, other.yaml" in done.stdout
    assert len(topics_of_runs(filled)) == 2 * len(topics.ALL)


def test_without_a_broker_a_topic_or_a_record_there_is_no_log(kafka_section: Kafka) -> None:
    nobody = kafka_section.model_copy(update={"bootstrap": f"127.0.0.1:{free_port()}"})
    with pytest.raises(NoLogError, match="no broker answers"):
        SourceLog(nobody)
    with pytest.raises(NoLogError, match="--namespace"):
        SourceLog(kafka_section)
    ensure_topics(kafka_section)
    with pytest.raises(NoLogError, match="holds no record"):
        SourceLog(kafka_section)


def test_a_log_that_loses_its_beginning_is_noticed(kafka_section: Kafka) -> None:
    ensure_topics(kafka_section)
    name = topics.OTLP.name(kafka_section.namespace)
    producer = Producer(producer_settings(kafka_section))
    for _ in range(5):
        producer.produce(name, b"x", partition=1)
    assert producer.flush(10) == 0
    log = SourceLog(kafka_section)
    assert (log.first, log.end, log.committed("nobody")) == ([0, 0, 0], [0, 5, 0], [0, 0, 0])
    log.check_whole()
    admin = AdminClient({"bootstrap.servers": kafka_section.bootstrap})
    (removed,) = admin.delete_records([TopicPartition(name, 1, 3)]).values()
    removed.result(10)
    with pytest.raises(LogMovedError, match="partition 1 began at 0 and begins at 3 now"):
        log.check_whole()


def test_a_worker_that_ends_is_told_with_its_last_lines(filled: Kafka, tmp_path: Path) -> None:
    wrong = filled.model_copy(update={"partitions": PARTITIONS + 1})
    config: Config = parse("", more={"kafka": wrong.model_dump()})
    with pytest.raises(WorkerEndedError, match=r"kafka\.partitions"):
        Replay(Run("1 worker", 1, config), SourceLog(filled), tmp_path / "run", print).read(None)
