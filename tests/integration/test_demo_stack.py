"""`tracemill demo` on one machine: ready when there is something to see, and gone without a trace of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
import yaml

from embedded.kafka import jars
from embedded.ports import free_port

pytestmark = pytest.mark.integration

STOPS_S = 20.0


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
    raw = {section: {name: free_port() for name in keys} for section, keys in names.items()}
    raw["embedded"] |= {"kafka_heap_mb": 256, "store_memory_bytes": 512 * 1024**2}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def get(address: str) -> dict:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=10) as answer:
        return json.load(answer)


def test_the_first_trace_answers_at_ready_and_nothing_is_left_after_ctrl_c(config, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "demo", "--config", config, "--data-dir", tmp_path / "data"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "http_proxy": "http://192.0.2.1:1"},
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
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.wait(STOPS_S) == 0
            assert time.monotonic() - began < STOPS_S
            _, alive = psutil.wait_procs(parts, timeout=2)
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
    deadline = time.monotonic() + 20
    services: set[str] = set()
    while services < {"demo-support", "demo-shop"} and time.monotonic() < deadline:
        services |= {trace["service_name"] for trace in get(f"{api}/api/v1/traces?limit=50&from=10m")["traces"]}
        time.sleep(0.2)
    assert services == {"demo-support", "demo-shop"}
