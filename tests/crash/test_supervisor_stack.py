"""The embedded Kafka and store as a stack: one at a time, no orphans, and the second start goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
import psutil
import pytest
import yaml

from embedded.kafka import jars, ready
from embedded.ports import free_port, is_free
from tests.fixtures.records import make, produce, read

pytestmark = pytest.mark.crash


@pytest.fixture
def config(tmp_path) -> Path:
    jars.resolve(print)
    names = {"embedded": ("kafka_port", "kafka_controller_port", "store_port"), "api": ("port",)}
    names |= {
        "ingest": ("grpc_port", "http_port", "metrics_port"),
        "streams": ("metrics_port",),
        "sinks": ("metrics_port",),
    }
    raw = {section: {name: free_port() for name in keys} for section, keys in names.items()}
    raw["embedded"] |= {"data_dir": str(tmp_path / "data"), "kafka_heap_mb": 256, "store_memory_bytes": 512 * 1024**2}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


@contextmanager
def stack(config: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fixtures.stacked", config],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def addresses(process: subprocess.Popen[str]) -> dict[str, str]:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if line.startswith("READY "):
            return dict(pair.split("=", 1) for pair in line.split()[1:])
    raise AssertionError("".join(said))


def parts_of(process: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    children = psutil.Process(process.pid).children(recursive=True)
    return {
        name: child
        for child in children
        for name in ("kafka", "store")
        if f"tracemill {name}" in " ".join(child.cmdline())
    }


def test_kill_dash_nine_and_up_again(config):
    with stack(config) as first:
        at = addresses(first)
        make(at["kafka"], "kept")
        produce(at["kafka"], "kept", [b"one"])
        with clickhouse_connect.get_client(dsn=at["store"]) as client:
            client.command("CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a")
            client.insert("kept", [[1], [2]], column_names=["a"])
        refused = subprocess.run(
            [sys.executable, "-m", "tests.fixtures.stacked", config], capture_output=True, text=True
        )
        assert refused.returncode == 1
        assert refused.stderr.strip().endswith(f"with pid {first.pid}: stop that one, or choose another")
        parts = parts_of(first)
        assert sorted(parts) == ["kafka", "store"]
        os.kill(first.pid, signal.SIGKILL)
        _, left = psutil.wait_procs(list(parts.values()), timeout=5)
        assert left == []

    with stack(config) as second:
        assert addresses(second) == at
        assert read(at["kafka"], "kept", 1) == [b"one"]
        with clickhouse_connect.get_client(dsn=at["store"]) as client:
            assert client.query("SELECT sum(a) FROM kept").result_rows == [(3,)]
        parts = parts_of(second)
        parts["kafka"].kill()
        _wait_for(second, "kafka died: signal SIGKILL; restarting in 0.5 s")
        deadline = time.monotonic() + 60
        while ready.why_not(at["kafka"]) and time.monotonic() < deadline:
            time.sleep(0.1)
        produce(at["kafka"], "kept", [b"two"])
        parts = parts_of(second)
        started = time.monotonic()
        second.send_signal(signal.SIGINT)
        assert second.wait(20) == 0
        assert time.monotonic() - started < 20
        assert not any(part.is_running() for part in parts.values())


def _wait_for(process: subprocess.Popen[str], text: str) -> None:
    for line in process.stdout or ():
        if text in line:
            return
    raise AssertionError(f"no {text!r}")


def test_a_port_in_use_is_named_with_who_has_it(config):
    port = yaml.safe_load(config.read_text())["embedded"]["store_port"]
    listen = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", listen]) as holder:
        while is_free(port):
            time.sleep(0.02)
        with stack(config) as refused:
            out, _ = refused.communicate(timeout=30)
        holder.kill()
    assert refused.returncode == 1
    assert f"port {port} (store) is in use by pid {holder.pid}" in out
    assert "--port-offset" in out
