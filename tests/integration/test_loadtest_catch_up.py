"""A short outage is told from its beginning until all is caught up, and nothing of it is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedded.stack import effective, ports
from loadtest.catch_up.report import BEGIN, END
from tests.fixtures.ports import own_offset
from tracemill.config import Config

pytestmark = pytest.mark.integration

DOWN_S, RATE = 15, 600


def test_an_outage_is_told_from_start_to_end(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n{BEGIN}\nNone yet.\n{END}\n")
    told = _run(tmp_path / "told.json", page)

    assert told["ledger"]["clean"], json.dumps(told["ledger"], indent=2)
    assert told["ledger"]["acknowledged_spans"] >= told["spans"] > DOWN_S * RATE

    found = told["phases"]
    assert found["down_seconds"] >= DOWN_S
    assert 0 <= found["began_after_s"] <= found["reads_after_s"] < found["caught_up_after_s"]
    assert found["caught_up_after_s"] <= found["stored_after_s"]
    assert found["backlog_back_spans"] > found["undecided_before_spans"]
    assert found["backlog_reads_spans"] >= found["backlog_back_spans"]
    assert found["backlog_reads_spans"] > found["backlog_caught_up_spans"]
    left = found["backlog_reads_spans"] + found["accepted_spans"] - found["decided_spans"]
    assert found["decided_spans"] > 0
    assert found["backlog_caught_up_spans"] == left
    assert sum(found["closed"].values()) > 0
    assert told["spent"]["parts"].keys() >= {"ingest", "streams", "sinks", "store", "kafka", "generator", "harness"}
    assert told["spent"]["parts"]["streams"]["cpu_s"] > 0
    assert told["freshness_after"]["traces"] > 0
    assert told["freshness_after"]["unseen"] == 0

    written = page.read_text()
    assert "lost 0, twice 0" in written
    assert "None yet." not in written


def _run(told: Path, page: Path) -> dict[str, Any]:
    options = {
        "down-seconds": DOWN_S,
        "before-seconds": 15,
        "after-seconds": 6,
        "rate": RATE,
        "port-offset": own_offset(ports(effective(Config(), 0)).values()),
        "json": told,
        "write-docs": page,
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run([sys.executable, "-m", "loadtest.catch_up", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-4_000:]
    outcome: dict[str, Any] = json.loads(told.read_text())
    return outcome
