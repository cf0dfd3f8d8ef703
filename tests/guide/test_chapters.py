"""The guide and the README hold: each chapter is followed on one stack, as `tracemill up` starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from embedded.kafka import jars
from runtime.ports import free_port
from tests.guide.reader import Reader

pytestmark = pytest.mark.integration

ROOT: Final = Path(__file__).parents[2]
CHAPTERS: Final = [*sorted((ROOT / "docs" / "guide").glob("[0-9]*.md")), ROOT / "README.md"]
STACK: Final = {
    ("ingest", "grpc_port"): 4317,
    ("ingest", "http_port"): 4318,
    ("ingest", "metrics_port"): 9464,
    ("streams", "metrics_port"): 9465,
    ("sinks", "metrics_port"): 9466,
    ("api", "port"): 8080,
    ("embedded", "store_port"): 8123,
    ("embedded", "kafka_port"): 9092,
    ("embedded", "kafka_controller_port"): 9093,
}
"""The ports that the text names."""
BESIDE: Final = (14317, 14318, 18080, 19464)
"""Those of processes that a chapter starts itself."""
QUIET_MS: Final = 500
"""Sooner than the two seconds that the text speaks of: nine times in it a reader waits for a trace."""


@pytest.fixture(scope="module")
def ports() -> dict[int, int]:
    return {port: free_port() for port in (*STACK.values(), *BESIDE)}


@pytest.fixture(scope="module")
def directory(tmp_path_factory, ports) -> Iterator[Path]:
    """Where a reader works: what chapters name of a checkout, and what a running stack keeps."""
    directory = tmp_path_factory.mktemp("guide")
    for name in ("docs", "rules.example.yaml"):
        (directory / name).symlink_to(ROOT / name)
    (directory / ".venv").symlink_to(sys.prefix)
    jars.resolve(print)
    process = _up(directory, ports)
    with process:
        try:
            _until_ready(process)
            yield directory
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def reader(directory, ports) -> Reader:
    environment = {
        "PATH": f"{directory}/.venv/bin:{os.environ['PATH']}",
        "TRACEMILL_CONFIG": f"{directory}/.tracemill/tracemill.yaml",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{ports[4318]}",
        "PYTHONUTF8": "1",
        "FORCE_COLOR": "",
        "no_proxy": "127.0.0.1,localhost",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    return Reader(directory, environment, ports)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_a_chapter_holds(reader, chapter):
    reader.follow(chapter)


def _up(directory: Path, ports: dict[int, int]) -> subprocess.Popen[str]:
    raw: dict[str, dict[str, int]] = {
        "embedded": {"kafka_heap_mb": 256, "store_memory_bytes": 512 * 1024**2},
        "assembly": {"quiet_period_ms": QUIET_MS},
    }
    for (section, name), port in STACK.items():
        raw.setdefault(section, {})[name] = ports[port]
    (directory / "stack.yaml").write_text(yaml.safe_dump(raw))
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "up", "--config", "stack.yaml"],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _until_ready(process: subprocess.Popen[str]) -> None:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if line.startswith("READY"):
            return
    raise AssertionError("".join(said))
