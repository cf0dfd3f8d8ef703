"""Does the API do what its own description says, whatever it is asked? Schemathesis asks, and tries what isn't said."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api import openapi
from api.endpoints import ENDPOINTS
from runtime.kafka import ensure_topics
from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.frames import lean_rows
from tests.builders.served import api_process, fill
from tests.fixtures.servers import Server
from tests.fixtures.waiting import PATIENCE_S
from tracemill.config import Kafka, Store, token_hash

pytestmark = pytest.mark.integration

DATABASE = "api_schema"
KEY = "x-tracemill-key: schema"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
OF_THE_LOG = "overrides|promote|rules"
"""Take a second a question: see test_orders.py and test_orders_of_tenants.py."""
TESTED = [one for one in ENDPOINTS if not re.search(OF_THE_LOG, one.path)]
ASKED = 60
"""Questions an operation, besides those that cover each parameter by itself."""


@pytest.fixture(scope="module")
def api(kafka: str, store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The API as a process, over a store with traces of a day."""
    client = connect(Store(url=store))
    apply(client, Layout(DATABASE, "", 3_650))
    fill(client, DATABASE, lean_rows(200, 3, time.time_ns()))
    tokens = [{"sha256": token_hash("schema"), "tenant": "default"}]
    log = Kafka(bootstrap=kafka, namespace="api-schema", partitions=2)
    ensure_topics(log)
    sections = {"store": {"url": store, "database": DATABASE}, "ingest": {"tokens": tokens}}
    sections["kafka"] = log.model_dump(mode="json")
    server = api_process(tmp_path_factory.mktemp("schema"), sections)
    server.start()
    yield server
    server.stop()
    client.command(f"DROP DATABASE {DATABASE} SYNC")
    client.close()


def test_whatever_is_asked_the_answer_is_as_described(api: Server, tmp_path: Path) -> None:
    listed = httpx.get(f"{api.address}/api/v1/traces", headers=dict([KEY.split(": ")]), timeout=PATIENCE_S)
    assert len(listed.json()["traces"]) == 100
    report = tmp_path / "report.json"
    program = [sys.executable, "-m", "schemathesis.cli", "run", f"{api.address}{openapi.PATH}", "--header", KEY]
    options = ["--seed", "1", "--checks", ",".join(CHECKS), "--max-examples", str(ASKED), "--no-color"]
    reporting = ["--report", "json", "--report-json-path", str(report)]
    phases = ["--phases", "examples,coverage,fuzzing", "--exclude-path-regex", OF_THE_LOG]
    done = subprocess.run(
        [*program, *options, *phases, *reporting], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(report.read_text())
    assert told["complete"]
    assert told["operations"]["tested"] == len(TESTED)
    assert told["test_cases"]["generated"] > ASKED
    for asked in ("GET /api/v1/traces", "GET /api/v1/spans", "POST /api/v1/feedback"):
        assert sum(phase["accepted"] for phase in told["valid_rates"][asked].values()) > 0
    assert "Traceback" not in api.log.read_text()
