"""Rules are tried on a real log: the same rules change nothing, others what they say, and nothing is written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime.control import apply_rules
from runtime.outbox import Outbox
from tests.fixtures.streaming import Pipeline, load
from tests.fixtures.takeovers import ends
from tests.fixtures.waiting import PATIENCE_S
from tracemill.sampling import RuleSet

pytestmark = pytest.mark.integration

SPANS = 4_000
RULES = "version: 1\nrules: [{name: rootless, keep: NOT complete}]\ndefault: {probability: 0.25}"
STRICTER = "version: 1\nrules: [{name: rootless, keep: NOT complete}]\ndefault: {probability: 0.05}"


@pytest.fixture(scope="module")
def filled(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A log that was decided, all of it."""
    pipeline = Pipeline(kafka, "replays", tmp_path_factory.mktemp("replays"))
    pipeline.make_topics()
    with Outbox(pipeline.config.kafka) as outbox:
        apply_rules(outbox, RuleSet.parse(RULES))
    pipeline.worker()
    try:
        odd = ("--late-every", "10", "--late-after", "4", "--rootless-every", "20")
        assert load(pipeline, SPANS, 2_000, *odd).wait(PATIENCE_S) == 0
        pipeline.settle()
        yield pipeline
    finally:
        pipeline.stop()


def replayed(filled: Pipeline, rules: str, tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    file, config = tmp_path / "rules.yaml", tmp_path / "tracemill.yaml"
    file.write_text(rules)
    config.write_text(yaml.safe_dump(filled.config.model_dump(mode="json")))
    command = [sys.executable, "-m", "cli.main", "replay", "--rules", str(file), "--config", str(config), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def report(filled: Pipeline, rules: str, tmp_path: Path, *words: str) -> Any:
    done = replayed(filled, rules, tmp_path, "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def last_decisions(filled: Pipeline) -> dict[bytes, tuple[bool, str]]:
    """Each trace's highest revision."""
    rows = [row for part in filled.rows() for row in part if row["row"] == "decided"]
    rows.sort(key=lambda row: row["revision"])
    return {row["trace_id"]: (row["keep"], row["policy"]) for row in rows}


def test_the_same_rules_change_nothing(filled: Pipeline, tmp_path: Path) -> None:
    was, before = last_decisions(filled), ends(filled.config.kafka)
    found = report(filled, RULES, tmp_path)
    assert (found["lost"]["traces"], found["gained"]["traces"], found["undecided"]) == (0, 0, 0)
    assert found["came"]["traces"] == len(was)
    assert found["came"]["spans"] == SPANS
    assert found["kept"] == found["would_keep"]
    assert found["kept"]["traces"] == sum(keep for keep, _ in was.values())
    assert {name: line["came"]["traces"] for name, line in found["by_rule"].items()} == {
        name: sum(policy == name for _, policy in was.values()) for name in {policy for _, policy in was.values()}
    }
    assert ends(filled.config.kafka) == before


def test_stricter_rules_lose_the_traces_that_they_name(filled: Pipeline, tmp_path: Path) -> None:
    was = last_decisions(filled)
    found = report(filled, STRICTER, tmp_path, "--lost", "100000")
    lost = {bytes.fromhex(one["trace_id"]) for one in found["lost_traces"]}
    assert len(lost) == found["lost"]["traces"] > 0
    assert all(was[one] == (True, "default") for one in lost)
    assert found["would_keep"]["traces"] == found["kept"]["traces"] - len(lost)
    assert found["gained"]["traces"] == 0
    assert 0 < found["would_keep"]["bytes"] < found["kept"]["bytes"] < found["came"]["bytes"]


def test_a_time_without_traces_has_none(filled: Pipeline, tmp_path: Path) -> None:
    assert report(filled, RULES, tmp_path, "--from", "2h", "--to", "1h")["came"]["traces"] == 0


def test_the_report_is_a_page_that_can_be_read(filled: Pipeline, tmp_path: Path) -> None:
    done = replayed(filled, STRICTER, tmp_path, "--lost", "3")
    assert done.returncode == 0
    assert [word in done.stdout for word in ("would keep", "tenant", "service", "rootless", "would be lost")] == [
        True
    ] * 5


def test_what_is_wrong_is_said(filled: Pipeline, tmp_path: Path) -> None:
    for words, said in (
        (("--from", "1h", "--to", "2h"), "isn't before"),
        (("--from", "yesterdayish"), "is no time"),
    ):
        done = replayed(filled, RULES, tmp_path, *words)
        assert done.returncode == 2
        assert said in done.stderr
