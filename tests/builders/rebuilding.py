"""`tracemill rebuild` as a process, and what is in a store before and after it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from tests.builders.sinking import ROOT
from tests.fixtures.waiting import PATIENCE_S, eventually
from tracemill.config import Config

FINGERPRINTS = {
    "otel_traces": "SELECT * FROM {db}.otel_traces FINAL",
    "traces": "SELECT * FROM {db}.traces FINAL",
    "scores": "SELECT * FROM {db}.scores FINAL",
    "otel_traces_trace_id_ts": (
        "SELECT TraceId, Tenant, min(Start) AS Start, max(End) AS End, max(ExpiresAt) AS ExpiresAt "
        "FROM {db}.otel_traces_trace_id_ts GROUP BY TraceId, Tenant"
    ),
}

Rows = dict[str, set[str]]
"""By table, every row with every column, as JSON."""


def stored(client: Client, database: str) -> Rows:
    """All that readers can see."""
    found = {
        table: client.raw_query(sql.format(db=database), fmt="JSONEachRow").decode().splitlines()
        for table, sql in FINGERPRINTS.items()
    }
    assert all(len(set(lines)) == len(lines) for lines in found.values())
    return {table: set(lines) for table, lines in found.items()}


def minus(rows: Rows, others: Rows) -> Rows:
    """Rows that aren't among others."""
    return {table: rows[table] - others[table] for table in rows}


def count(client: Client, table: str) -> int:
    """Rows in a table."""
    return int(client.query(f"SELECT count() FROM {table} FINAL").result_rows[0][0])


@dataclass
class Rebuilding:
    """A process that has been started; what it says goes to files."""

    process: subprocess.Popen[bytes]
    directory: Path

    @property
    def out(self) -> str:
        """What is on its standard output so far."""
        return (self.directory / "rebuild.out").read_text()

    @property
    def err(self) -> str:
        """What is on its standard error so far."""
        return (self.directory / "rebuild.err").read_text()

    def says(self, text: str) -> None:
        """Wait until that is on its standard error."""
        eventually(lambda: text in self.err or self.process.poll() is not None)
        assert text in self.err, self.err

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def code(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(PATIENCE_S)


def begin(config: Config, directory: Path, *words: str) -> Rebuilding:
    """Start `tracemill rebuild`."""
    file = directory / "rebuild.json"
    file.write_text(config.model_dump_json())
    command = [sys.executable, "-m", "cli.main", "rebuild", "--config", str(file), *words]
    with (directory / "rebuild.out").open("wb") as out, (directory / "rebuild.err").open("wb") as err:
        return Rebuilding(subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT), directory)


def rebuild(config: Config, directory: Path, *words: str) -> Rebuilding:
    """`tracemill rebuild`, ended."""
    begun = begin(config, directory, *words)
    begun.code()
    return begun


def altered(config: Config, **sections: dict[str, Any]) -> Config:
    """The configuration with other values in some sections."""
    raw = json.loads(config.model_dump_json())
    return Config.model_validate(raw | {name: raw[name] | values for name, values in sections.items()})
