"""Which statements make the store, which of them has it seen, and how do several processes run them at once?

ClickHouse has neither advisory locks nor transactions over DDL. So nothing is claimed: every statement is idempotent
(`IF NOT EXISTS`, or an ALTER that says the same thing twice), and a process runs, in order, those that the table
`migrations` doesn't name, and names them there afterwards. Two processes that start together may both run a
statement: the second one changes nothing. What is named there is done, whoever did it. A process that may not change
the schema can start on a store where all is done, because then it runs no DDL.

Three kinds of files are in `sinks/schema`:

- `NNN_name.sql` runs once. It must never change once released: what was run is remembered by its checksum.
- `retention_*.sql` runs whenever it is rendered differently from the last time, e.g. for another retention.
- `system_log.sql` runs for each system log that has no TTL (a server makes them anew when it likes; chDB has none).

`{database}`, `{on_cluster}`, `{local}`, `{replicated}`, `{cluster}` and `{retention_days}` are filled in. A file that
begins with `-- cluster only` is for clusters.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from runtime.logs import pairs
from sinks.clickhouse import away, connect
from tracemill.config import Config

SCHEMA: Final = Path(__file__).parent / "schema"
SYSTEM_LOG_DAYS: Final = 14
CLUSTER_ONLY: Final = "-- cluster only\n"

_UNKNOWN_TABLE, _UNKNOWN_DATABASE = 60, 81
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")

_log = logging.getLogger(__name__)


class SchemaMismatch(Exception):
    """The store was made by other statements than this release has; the text names them and says what to do."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the statements are rendered for. Without a cluster's name: for one server."""

    database: str
    cluster: str
    retention_days: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it is sent, the name it is remembered by, and whether another rendering may follow."""

    name: str
    sql: str
    repeatable: bool

    @property
    def checksum(self) -> str:
        """SHA-256 of the text that is sent."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did: names of statements run, and sentences about what it left out and why."""

    ran: tuple[str, ...]
    skipped: tuple[str, ...]


def layout_of(config: Config) -> Layout:
    """The layout that a configuration asks for."""
    return Layout(config.store.database, config.store.cluster, config.sinks.retention_days)


def render(layout: Layout) -> list[Statement]:
    """All statements of `layout` in the order in which they run."""
    files = [*sorted(SCHEMA.glob("[0-9]*.sql")), *sorted(SCHEMA.glob("retention_*.sql"))]
    texts = ((file.stem, file.read_text()) for file in files)
    return [
        Statement(name, _fill(text.removeprefix(CLUSTER_ONLY), layout), name.startswith("retention_"))
        for name, text in texts
        if layout.cluster or not text.startswith(CLUSTER_ONLY)
    ]


def script(statements: Iterable[Statement]) -> str:
    """The statements as a text that a client runs one after the other."""
    return "".join(f"-- {statement.name}\n{statement.sql};\n\n" for statement in statements)


def pending(client: Client, layout: Layout) -> list[str]:
    """Names of the statements that the store hasn't seen as they are now.

    Raises:
        clickhouse_connect's DatabaseError: the store is away.
    """
    seen = _seen(client, layout)
    return [statement.name for statement in render(layout) if seen.get(statement.name) != statement.checksum]


def apply(client: Client, layout: Layout) -> Applied:
    """Run what the store hasn't seen. `client` must not need the database to exist.

    Raises:
        SchemaMismatch: a statement that must never change was run with another text.
        clickhouse_connect's DatabaseError: the store is away, or refuses a statement.
    """
    seen = _seen(client, layout)
    statements = render(layout)
    _refuse_changes(statements, seen)
    pending = [statement for statement in statements if seen.get(statement.name) != statement.checksum]
    for statement in pending:
        client.command(statement.sql)
        _log.info(pairs("migration applied", name=statement.name))
    _remember(client, layout, pending)
    ran, skipped = _limit_system_logs(client, layout)
    return Applied((*(statement.name for statement in pending), *ran), skipped)


def make_tables(config: Config) -> None:
    """Run what the configured store hasn't seen.

    Raises:
        Away: nobody answers, or a statement is refused; try again later.
        SchemaMismatch: see `apply`.
    """
    client = connect(config.store)
    try:
        apply(client, layout_of(config))
    except ClickHouseError as error:
        raise away(error) from error
    finally:
        client.close()


def _fill(text: str, layout: Layout, **more: str) -> str:
    cluster = layout.cluster
    values = {
        "database": layout.database,
        "on_cluster": f" ON CLUSTER '{cluster}'" if cluster else "",
        "local": "_local" if cluster else "",
        "replicated": "Replicated" if cluster else "",
        "cluster": cluster,
        "retention_days": str(layout.retention_days),
        **more,
    }
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], text).strip()


def _seen(client: Client, layout: Layout) -> dict[str, str]:
    """Checksums by name; nothing where the database or the table isn't there yet."""
    try:
        rows = client.query(
            f"SELECT name, argMax(checksum, applied_at) FROM {layout.database}.migrations GROUP BY name"  # noqa: S608
        ).result_rows
    except DatabaseError as error:
        if error.code in (_UNKNOWN_TABLE, _UNKNOWN_DATABASE):
            return {}
        raise
    return {str(name): str(checksum) for name, checksum in rows}


def _refuse_changes(statements: Iterable[Statement], seen: dict[str, str]) -> None:
    changed = [
        statement.name
        for statement in statements
        if not statement.repeatable and seen.get(statement.name, statement.checksum) != statement.checksum
    ]
    if changed:
        raise SchemaMismatch(
            f"migrations {', '.join(changed)} were applied with another text than this release has: either an "
            "applied file was changed (undo it and add a file with a new number), or store.cluster was changed "
            "(use another store.database)"
        )


def _remember(client: Client, layout: Layout, statements: Sequence[Statement]) -> None:
    for statement in statements:
        client.command(
            f"INSERT INTO {layout.database}.migrations (name, checksum, applied_at) "
            "SELECT {name:String}, {checksum:String}, now64(3, 'UTC')",
            parameters={"name": statement.name, "checksum": statement.checksum},
        )


def _limit_system_logs(client: Client, layout: Layout) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give every system log without a TTL one. A right that is missing is no reason not to start."""
    endless = [str(row[0]) for row in client.query((SCHEMA / "endless_system_logs.sql").read_text()).result_rows]
    if not endless:
        return (), ("system logs: none without a TTL",)
    text = (SCHEMA / "system_log.sql").read_text()
    ran, skipped = [], []
    for table in endless:
        days = str(SYSTEM_LOG_DAYS)
        try:
            client.command(_fill(text, layout, table=table, retention_days=days))
            ran.append(f"system.{table}")
        except DatabaseError as error:
            skipped.append(
                f"system.{table}: {error}; give it a <ttl> in the server's configuration, or it grows forever"
            )
            _log.warning(pairs("system log has no TTL and can't be given one", table=table, error=error))
    return tuple(ran), tuple(skipped)
