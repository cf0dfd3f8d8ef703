"""A short storm over the real stack: everything fails in every way, and the ledger finds nothing."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedded.stack import effective, ports
from loadtest.chaos.plan import Kind, draw
from tests.fixtures.ports import own_offset
from tracemill.config import Config

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

SECONDS, SEED, RATE = 80, 17, 500
SPANS = 2_000
"""That are compared at least, however slow the machine is."""


def test_nothing_is_lost_doubled_or_decided_otherwise(tmp_path: Path) -> None:
    assert {fault.kind for fault in draw(SEED, SECONDS)} == set(Kind) - {Kind.CALM}
    outcome = _storm(tmp_path / "chaos.json")
    ledger = outcome["ledger"]
    assert ledger["clean"], json.dumps(ledger, indent=2)
    assert ledger["acknowledged"]["acknowledged_spans"] > SPANS
    assert {"complete", "idle"} <= ledger["closed_by"].keys()
    policies = {policy.removeprefix("promoted:") for policy in ledger["policies"]}
    assert policies == {"searches", "errors", "slow-tools", "whole", "default"}
    for struck in outcome["faults"]:
        log.info("%s", struck)
        assert struck["ready_after_s"] is not None
        if struck["fault"]["kind"] == Kind.REFUSE:
            assert not struck["notes"][0].startswith("0 inserts refused")
    skipped = [note for struck in outcome["faults"] for note in struck["notes"] if note.startswith("skipped")]
    assert bool(skipped) == bool(outcome["skipped"])


def _storm(told: Path) -> dict[str, Any]:
    options = {
        "seconds": SECONDS,
        "seed": SEED,
        "rate": RATE,
        "port-offset": own_offset(ports(effective(Config(), 0)).values()),
        "json": told,
    }
    command = [sys.executable, "-m", "loadtest.chaos", *(f"--{name}={value}" for name, value in options.items())]
    done = subprocess.run(command, capture_output=True, text=True)
    assert told.exists(), done.stderr[-4_000:]
    log.info("%s", done.stdout)
    outcome: dict[str, Any] = json.loads(told.read_text())
    return outcome
