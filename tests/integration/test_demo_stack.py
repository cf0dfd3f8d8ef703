"""`tracemill demo` on one machine: ready when there is something to see, and gone without a trace of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest
import yaml

from embedded.kafka import jars
from tests.fixtures.ports import own_port
from tests.fixtures.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def config(tmp_path) -> Path:
    jars.resolve(print)
    names = {
        "embedded": ("kafka_port", "kafka_controller_port", "store_port"),
        "api": ("port",),
        "ingest": ("grpc_port", "http_port", "metrics_port"),
        "streams": ("metrics_port",),
        "sinks": ("metrics_port",),
    }
    raw = {section: {name: own_port() for name in keys} for section, keys in names.items()}
    raw["embedded"] |= {"kafka_heap_mb": 256, "store_memory_bytes": 512 * 1024**2}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def get(address: str) -> dict:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def test_the_first_trace_answers_at_ready_and_nothing_is_left_after_ctrl_c(config, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "demo", "--config", config, "--data-dir", tmp_path / "data"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**environment, "http_proxy": "http://192.0.2.1:1"},
    )
    with process:
        try:
            said = _until(process, "keep what matters")
            ready = [line for line in said if line.startswith("READY")]
            assert len(ready) == 1
            assert said.index(ready[0]) > 5  # progress before it
            api = dict(pair.split("=", 1) for pair in ready[0].split()[1:])["api"]
            (address,) = (line.split()[-1] for line in said if line.startswith("  one trace"))
            trace = get(address)
            assert address == f"{api}/api/v1/traces/{trace['trace']['trace_id']}"
            assert trace["trace"]["span_count"] >= 2
            _both_services_are_seen(api)
            parts = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 0
            _, alive = psutil.wait_procs(parts, timeout=PATIENCE_S)
            assert alive == []
        finally:
            process.kill()


def _until(process: subprocess.Popen[str], text: str) -> list[str]:
    said = []
    for line in process.stdout or ():
        said.append(line.rstrip())
        if text in line:
            return said
    raise AssertionError("\n".join(said))


def _both_services_are_seen(api: str) -> None:
    def services() -> set[str]:
        return {trace["service_name"] for trace in get(f"{api}/api/v1/traces?limit=500&from=1d")["traces"]}

    eventually(services, {"demo-support", "demo-shop"})
