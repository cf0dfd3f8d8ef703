"""A short run says how memory and freshness went and finds every span, and the log read again gives the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedded.stack import effective, ports
from loadtest.endurance.report import BEGIN, END
from tests.fixtures.ports import own_offset
from tracemill.config import Config

pytestmark = pytest.mark.integration

SECONDS, RATE = 24, 800
PARTS = {"ingest", "streams", "sinks", "store", "kafka", "api", "supervisor"}


def test_a_run_is_told_from_start_to_end(tmp_path: Path) -> None:
    page, kept = tmp_path / "page.md", tmp_path / "kept"
    page.write_text(f"# Title\n{BEGIN}\nNone yet.\n{END}\n")
    told = _run(tmp_path / "told.json", page, kept)

    assert told["ledger"]["clean"], json.dumps(told["ledger"], indent=2)
    assert told["ledger"]["acknowledged_spans"] >= told["spans"] > SECONDS * RATE / 2
    assert told["log_is_whole"]
    assert told["topic_bytes"]["otlp"] > 0
    assert told["reread"]["code"] == 0, told["reread"]["said"]

    growth = {each["name"]: each for each in told["growth"]}
    assert growth.keys() >= PARTS | {"generator", "generator 2", "harness"}
    assert all(each["flat"] is None and each["level_bytes"] > 0 for each in growth.values())
    assert told["parts"].keys() >= PARTS | {"generator", "harness"}
    (streams,) = [course for course in told["courses"] if course["name"] == "streams"]
    assert streams["at_s"] == sorted(streams["at_s"])
    assert all(
        0 < own < resident <= streams["peak_bytes"]
        for own, resident in zip(streams["anonymous_bytes"], streams["resident_bytes"], strict=True)
    )

    assert len(told["windows"]) == 6
    assert sum(window["unseen"] for window in told["windows"]) == 0
    assert all(window["p99_ms"] >= window["p50_ms"] > 2_000 for window in told["windows"] if window["traces"])
    written = page.read_text()
    assert "lost 0, twice 0" in written
    assert "None yet." not in written
    assert {path.name for path in kept.iterdir()} >= {"data", "sent.jsonl", "up.log"}


def _run(told: Path, page: Path, kept: Path) -> dict[str, Any]:
    options = {
        "seconds": SECONDS,
        "rate": RATE,
        "keep-dir": kept,
        "port-offset": own_offset(ports(effective(Config(), 0)).values()),
        "json": told,
        "write-docs": page,
    }
    words = [f"--{name}={value}" for name, value in options.items()] + ["--reread=1", "--reread=2"]
    done = subprocess.run([sys.executable, "-m", "loadtest.endurance", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-4_000:]
    outcome: dict[str, Any] = json.loads(told.read_text())
    return outcome
