"""How does one statement run in the engine so that nothing of it stays behind for the next one?

Every statement gets a connection of its own (70 µs): settings, the current database and, after a failure, unread output
stay with a chDB connection, and must not reach the next request. What was acknowledged survives the death of the
process, because the operating system has it; a crash of the machine may lose what wasn't yet written to the disk.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import chdb
from chdb.state.sqlitelike import Connection

from embedded.store.failures import QueryFailed, from_engine
from embedded.store.statement import Insert, file_access, has_result, insert_with_data, is_many, is_select, named_format

RESULT_BYTES: Final = 64 * 1024**2
"""Of a result in columns. Answers are built whole, so that a failure still has its status code."""
ANSWER_BYTES: Final = 128 * 1024**2
"""Of an answer in its format."""
EXECUTION_S: Final = 600
_MARK_CACHE_SHARE: Final = 16
_HEAD_BYTES: Final = 64 * 1024
# Without a head or a foot: the blocks of such a result, one after the other, are the result.
_IN_PIECES: Final = frozenset({"Native", "TabSeparated", "TSV", "CSV", "JSONEachRow", "RowBinary"})


@dataclass(frozen=True, slots=True)
class Work:
    """A statement: SQL, perhaps continued by data, and what holds for it alone. `tag` names it for `Engine.cancel`."""

    sql: bytes
    data: Sequence[bytes] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[str] = ()
    database: str = ""
    default_format: str = "TabSeparated"
    read_only: bool = False
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A result in its format (None when the statement has no result) and ClickHouse's counters of the run."""

    body: bytes
    format: str | None
    counters: Mapping[str, int]


class Engine:
    """The one owner of a data path in this process; its methods may be called from many threads."""

    def __init__(self, path: Path, memory_bytes: int) -> None:
        self._path = path
        self._defaults = urlencode(
            {
                "max_memory_usage": memory_bytes * 3 // 4,
                "max_result_bytes": RESULT_BYTES,
                "result_overflow_mode": "throw",
                "max_execution_time": EXECUTION_S,
                "implicit_select": 0,
                "allow_introspection_functions": 0,
            }
        )
        server = urlencode(
            {
                "max_server_memory_usage": memory_bytes,
                "merges_mutations_memory_usage_soft_limit": memory_bytes // 2,
                "mark_cache_size": memory_bytes // _MARK_CACHE_SHARE,
                "primary_index_cache_size": memory_bytes // _MARK_CACHE_SHARE,
                "query_condition_cache_size": memory_bytes // _MARK_CACHE_SHARE,
                "max_thread_pool_size": 500,
            }
        )
        # Held open: with its last connection the engine itself would stop, and its merges with it.
        self._anchor = chdb.connect(f"{path}?{server}&{self._defaults}")
        self.version, self.timezone = self._text("SELECT version(), timezone()").split("\t")
        rows = self._text("SELECT name, content_type FROM system.formats WHERE is_output").splitlines()
        self.content_types = dict(row.split("\t") for row in rows)

    def run(self, work: Work) -> Answer:
        """Run one statement.

        Raises:
            QueryFailed: the engine refused it; an insert then left nothing unless it was cut into several blocks.
        """
        with self._connection(work) as connection:
            try:
                insert, data = _insert_of(work)
                if insert:
                    return _insert(connection, insert, data, work)
                return _query(connection, b"\n".join([part for part in (work.sql, b"".join(data)) if part]), work)
            except (RuntimeError, ValueError) as error:
                raise from_engine(str(error)) from error

    def cancel(self, tag: str) -> None:
        """Stop the statement with this tag, if it still runs."""
        self._text(f"KILL QUERY WHERE Settings['log_comment'] = {quote(tag)} ASYNC")

    def why_not_ready(self) -> str | None:
        """None when the engine answers."""
        try:
            self._text("SELECT 1")
        except RuntimeError as error:
            return str(error)
        return None

    def close(self) -> None:
        """Stop everything that runs, then the engine."""
        self._text("KILL QUERY WHERE 1 ASYNC")
        self._anchor.close()

    def _text(self, sql: str) -> str:
        connection = chdb.connect(f"{self._path}?{self._defaults}")
        try:
            return str(connection.query(sql, "TabSeparated").bytes().decode()).rstrip("\n")
        finally:
            connection.close()

    @contextmanager
    def _connection(self, work: Work) -> Iterator[Connection]:
        connection = chdb.connect(f"{self._path}?{self._defaults}")
        try:
            _prepare(connection, work)
            yield connection
        finally:
            connection.close()


def _prepare(connection: Connection, work: Work) -> None:
    try:
        for statement in work.before:
            connection.query(statement)
        if work.database:
            connection.query(f"USE {identifier(work.database)}")
        if work.read_only:
            connection.query("SET readonly = 2")
        settings = {**work.settings, "log_comment": work.tag} if work.tag else work.settings
        if settings:
            connection.query("SET " + ", ".join(f"{name} = {quote(value)}" for name, value in settings.items()))
    except RuntimeError as error:
        raise from_engine(str(error)) from error


def _insert_of(work: Work) -> tuple[Insert | None, list[bytes]]:
    """The INSERT … FORMAT in the work, and the pieces of its data, which aren't copied but for the first."""
    if work.sql:
        insert = insert_with_data(work.sql)
        inline = [work.sql[insert.data_at :], b"\n"] if insert and insert.data_at < len(work.sql) else []
        return insert, [*inline, *work.data]
    data = list(work.data)
    while len(data) > 1 and len(data[0]) < _HEAD_BYTES:
        data[:2] = [data[0] + data[1]]
    insert = insert_with_data(data[0]) if data else None
    return insert, [data[0][insert.data_at :], *data[1:]] if insert else data


def _insert(connection: Connection, insert: Insert, data: list[bytes], work: Work) -> Answer:
    """From a file in memory: chDB 4.4 answers `send_insert` with success when a table or a view refused the rows."""
    _refuse_files(f"{insert.statement} {insert.settings}".encode(errors="surrogateescape"))
    for name, value in work.parameters.items():
        connection.query(f"SET param_{name} = {quote(value)}")
    with open(os.memfd_create("insert"), "wb") as body:
        body.writelines(data)
        body.flush()
        source = f"FROM INFILE '/proc/self/fd/{body.fileno()}' COMPRESSION 'none'"
        sql = f"{insert.statement}\n{source} {insert.settings}\nFORMAT {insert.format}"
        run: Any = connection.query
        done = run(sql.encode(errors="surrogateescape"))
    written = {"written_rows": done.rows_written(), "written_bytes": done.bytes_written()}
    return Answer(b"", None, {"read_rows": done.rows_written(), "read_bytes": done.bytes_written()} | written)


def _query(connection: Connection, sql: bytes, work: Work) -> Answer:
    if not sql.strip():
        raise QueryFailed(62, "SYNTAX_ERROR", "Syntax error: failed at position 1 (end of query): . Empty query.")
    if is_many(sql):
        raise QueryFailed(62, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed)")
    _refuse_files(sql)
    asked = named_format(sql) or work.default_format
    if asked in _IN_PIECES and is_select(sql):
        return _select(connection, sql, asked, work)
    run: Any = connection.query  # typed for text, but takes bytes that aren't
    result = run(sql, work.default_format, params=dict(work.parameters))
    return Answer(result.bytes(), asked if has_result(sql) else None, _counters(result))


def _select(connection: Connection, sql: bytes, asked: str, work: Work) -> Answer:
    """Block by block: whole results grow a buffer that no limit of the engine holds, to twice their size."""
    run: Any = connection.send_query
    pieces: list[bytes] = []
    counters: Counter[str] = Counter()
    with run(sql, work.default_format, params=dict(work.parameters)) as blocks:
        for block in blocks:
            pieces.append(block.bytes())
            counters.update(_counters(block))
            if counters["result_bytes"] > ANSWER_BYTES:
                text = f"Limit for result exceeded, max bytes: {ANSWER_BYTES}. Select less, or aggregate"
                raise QueryFailed(396, "TOO_MANY_ROWS_OR_BYTES", text)
    return Answer(b"".join(pieces), asked, counters)


def _counters(result: Any) -> dict[str, int]:
    return {
        "read_rows": result.storage_rows_read(),
        "read_bytes": result.storage_bytes_read(),
        "written_rows": result.rows_written(),
        "written_bytes": result.bytes_written(),
        "result_rows": result.rows_read(),
        "result_bytes": result.size(),
    }


def _refuse_files(sql: bytes) -> None:
    """The engine runs with this user's rights; a server gives none of them to whom it answers."""
    if what := file_access(sql):
        raise QueryFailed(497, "ACCESS_DENIED", f"{what} reaches beyond the data path: insert or select over HTTP")


def quote(text: str) -> str:
    """`text` as a string literal of ClickHouse's SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """`name` as a quoted identifier of ClickHouse's SQL."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
