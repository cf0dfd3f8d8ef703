"""The embedded Kafka and store as a stack: one at a time, no orphans, and the second start goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
import psutil
import pytest
import yaml

from embedded.kafka import jars, ready
from embedded.ports import is_free
from tests.fixtures.ports import own_port
from tests.fixtures.records import make, produce, read
from tests.fixtures.waiting import PATIENCE_S, eventually

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
    raw = {section: {name: own_port() for name in keys} for section, keys in names.items()}
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
        name: child for child in children for name in ("kafka", "store") if f"tracemill {name}" in _command_line(child)
    }


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


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
        _, left = psutil.wait_procs(list(parts.values()), timeout=PATIENCE_S)
        assert left == []

    with stack(config) as second:
        assert addresses(second) == at
        assert read(at["kafka"], "kept", 1) == [b"one"]
        with clickhouse_connect.get_client(dsn=at["store"]) as client:
            assert client.query("SELECT sum(a) FROM kept").result_rows == [(3,)]
        parts = parts_of(second)
        parts["kafka"].kill()
        _wait_for(second, "kafka died: signal SIGKILL; restarting in 0.5 s")
        eventually(lambda: ready.why_not(at["kafka"]), None)
        produce(at["kafka"], "kept", [b"two"])
        parts = parts_of(second)
        second.send_signal(signal.SIGINT)
        assert second.wait(PATIENCE_S) == 0
        _, left = psutil.wait_procs(list(parts.values()), timeout=PATIENCE_S)
        assert left == []


def _wait_for(process: subprocess.Popen[str], text: str) -> None:
    for line in process.stdout or ():
        if text in line:
            return
    raise AssertionError(f"no {text!r}")


def test_a_port_in_use_is_named_with_who_has_it(config):
    port = yaml.safe_load(config.read_text())["embedded"]["store_port"]
    listen = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", listen]) as holder:
        eventually(lambda: is_free(port), False)
        with stack(config) as refused:
            out, _ = refused.communicate(timeout=PATIENCE_S)
        holder.kill()
    assert refused.returncode == 1
    assert f"port {port} (store) is in use by pid {holder.pid}" in out
    assert "--port-offset" in out
