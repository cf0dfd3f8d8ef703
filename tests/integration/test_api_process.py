"""The API as a process, and the commands that ask it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinks.clickhouse import connect
from sinks.migrations import Layout, apply
from tests.builders.frames import lean_rows
from tests.builders.served import api_process, fill
from tests.fixtures.ports import own_port
from tests.fixtures.servers import Server
from tests.fixtures.waiting import PATIENCE_S
from tracemill.config import Store, token_hash

pytestmark = pytest.mark.integration

TRACE_ID = lean_rows(1, 3)[0]["trace_id"].hex()
SINCE, UNTIL = "2026-11-18", "2026-11-19"


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={"PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def api(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The API, running, over a store with three traces; its address is that of its configuration file, too."""
    directory = tmp_path_factory.mktemp("api")
    client = connect(Store(url=store))
    apply(client, Layout("api_process", "", 3_650))
    fill(client, "api_process", lean_rows(3, 3), root_name="evil\x1b]8;;http://evil\x07", error_count=1)
    tokens = [{"sha256": token_hash("secret"), "tenant": "default"}]
    server = api_process(directory, {"store": {"url": store, "database": "api_process"}, "ingest": {"tokens": tokens}})
    server.start()
    yield server
    assert server.process
    if server.process.poll() is None:
        server.stop()
    client.command("DROP DATABASE api_process SYNC")
    client.close()


def test_the_commands_show_what_the_api_has(api: Server) -> None:
    config = api.env["CONFIG_FILE"]
    listed = command("traces", "--since", SINCE, "--until", UNTIL, "--config", config, TRACEMILL_TOKEN="secret")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert len(listed.stdout.splitlines()) == 4
    assert TRACE_ID in listed.stdout
    assert "\x1b" not in listed.stdout
    assert "⟨U+001B⟩" in listed.stdout
    shown = command("trace", TRACE_ID, "--url", api.address, "--token", "secret")
    assert shown.returncode == 0
    assert len([line for line in shown.stdout.splitlines() if "━" in line]) == 8
    assert "└─ " in shown.stdout
    raw = command("trace", TRACE_ID, "--url", api.address, "--token", "secret", "--json")
    assert json.loads(raw.stdout)["trace"]["trace_id"] == TRACE_ID
    filtered = (
        "--filter",
        "error_count > 1",
        "--since",
        SINCE,
        "--until",
        UNTIL,
        "--url",
        api.address,
        "--token",
        "secret",
    )
    nothing = command("traces", *filtered)
    assert "look further back with --since 7d" in nothing.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("traces", "--filter", "eror_count > 0"), "did you mean `error_count`?"),
        (("traces", "--filter", "eror_count > 0"), "\neror_count > 0\n^^^^^^^^^^\n"),
        (("traces", "--since", "yesterday"), "from: 'yesterday' is no time"),
        (("trace", "../../healthz"), "healthz' hasn't 32 hex digits"),
        (("trace", "ff" * 16), f"there is no trace {'ff' * 16}"),
        (("traces", "--token", "wrong"), "nobody knows this token"),
    ],
)
def test_what_is_wrong_is_said_in_one_place(api: Server, arguments: tuple[str, ...], said: str) -> None:
    failed = command(*arguments, "--url", api.address, TRACEMILL_TOKEN="secret")
    assert failed.returncode == 1
    assert failed.stderr.startswith("tracemill: ")
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr


def test_an_api_that_is_not_there(api: Server) -> None:
    failed = command("traces", "--url", f"http://127.0.0.1:{own_port()}")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "start it with `tracemill up` or `tracemill api`" in failed.stderr
    other = command("traces", "--url", "not-a-url")
    assert (other.returncode, "Traceback" in other.stderr) == (1, False)


def test_a_second_one_on_the_same_port_is_refused(api: Server) -> None:
    refused = command("api", "--config", api.env["CONFIG_FILE"])
    assert refused.returncode == 2
    assert "can't be used" in refused.stderr
    assert "set another port" in refused.stderr


def test_an_open_door_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "open.yaml"
    file.write_text(f"api: {{host: 0.0.0.0, port: {own_port()}}}")
    refused = command("api", "--config", str(file))
    assert refused.returncode == 2
    assert "anyone could read" in refused.stderr


def test_it_stops_when_it_is_told_to(api: Server) -> None:
    assert api.stop() == 0
    log = api.log.read_text()
    assert "the API serves" in log
    assert "the API has stopped" in log
    assert "Traceback" not in log
