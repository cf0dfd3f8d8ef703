"""Where in a request does the SQL end and the data begin, which format is named, what does the statement do?

Only as much of the grammar as that takes: comments, quotes, brackets and words. Everything else is the engine's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

_TOKEN: Final = re.compile(
    rb"""(?P<skip>\s+|--[^\n]*|\#[\s!][^\n]*|/\*.*?\*/)
       |(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
       |(?P<word>[A-Za-z_]\w*)
       |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_DATA_START: Final = re.compile(rb"[ \t\f]*;?[ \t\f]*\r?\n?")
_FORMAT: Final = re.compile(rb"format", re.IGNORECASE)
_FILES: Final = re.compile(rb"file|executable|python|sqlite|local", re.IGNORECASE)
_FILE_FUNCTIONS: Final = frozenset(
    b"FILE FILECLUSTER EXECUTABLE EXECUTABLEPOOL PYTHON SQLITE ICEBERGLOCAL DELTALAKELOCAL PAIMONLOCAL".split()
)
_NAME_FOLLOWS: Final = frozenset({b"INSERT", b"INTO", b"TABLE", b"FUNCTION"})
_NO_RESULT: Final = frozenset(
    b"ALTER ATTACH BEGIN COMMIT CREATE DELETE DETACH DROP EXCHANGE GRANT INSERT MOVE OPTIMIZE RENAME REPLACE REVOKE "
    b"ROLLBACK SET SYSTEM TRUNCATE UNDROP UPDATE USE".split()
)
_READS: Final = frozenset({b"SELECT", b"WITH", b"SHOW", b"DESCRIBE", b"DESC", b"EXPLAIN", b"EXISTS", b"FROM"})


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT followed by its data: the statement up to its SETTINGS, those, the data's format, where data begins."""

    statement: str
    settings: str
    format: str
    data_at: int


def _words(sql: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Words in upper case and quoted names outside of brackets and comments, each with where it begins and ends."""
    depth = 0
    for token in _TOKEN.finditer(sql):
        if token["other"] in (b"(", b"["):
            depth += 1
        elif token["other"] in (b")", b"]"):
            depth -= 1
        elif depth == 0 and not token["skip"] and not token["other"]:
            yield token[0].upper(), token.start(), token.end()


def insert_with_data(sql: bytes) -> Insert | None:
    """The INSERT at the beginning of `sql` if FORMAT or VALUES ends it; None for everything else."""
    previous, settings_at, clause_at = b"", 0, 0
    for word, start, end in _words(sql):
        if not previous and word != b"INSERT":
            return None
        if previous == b"FORMAT" and clause_at:
            return _insert(sql, settings_at or clause_at, clause_at, sql[start:end].decode(), end)
        if previous not in _NAME_FOLLOWS:
            if word == b"VALUES":
                return _insert(sql, settings_at or start, start, "Values", end)
            if word in (b"SELECT", b"WITH", b"INFILE", b"WATCH"):
                return None
            if word == b"FORMAT":
                clause_at = start
            if word == b"SETTINGS" and sql[start - 1 : start] != b".":
                settings_at = start
        previous = word
    return None


def _insert(sql: bytes, settings_at: int, clause_at: int, data_format: str, clause_end: int) -> Insert:
    blank = _DATA_START.match(sql, clause_end)
    statement, settings = sql[:settings_at], sql[settings_at:clause_at]
    return Insert(
        statement.decode(errors="surrogateescape"),
        settings.decode(errors="surrogateescape"),
        data_format,
        blank.end() if blank else clause_end,
    )


def named_format(sql: bytes) -> str | None:
    """The format that the statement itself names, if it does."""
    if not _FORMAT.search(sql):
        return None
    found = None
    previous = b""
    for word, start, end in _words(sql):
        if previous == b"FORMAT":
            found = sql[start:end].decode()
        previous = word
    return found


def first_word(sql: bytes) -> bytes:
    """The statement's first keyword in upper case, also behind brackets and comments; empty when there is none."""
    for token in _TOKEN.finditer(sql):
        if token["word"]:
            return token["word"].upper()
        if not token["skip"] and token["other"] != b"(":
            break
    return b""


def has_result(sql: bytes) -> bool:
    """Whether the statement answers with rows, even if they turn out to be none."""
    return first_word(sql) not in _NO_RESULT


def is_select(sql: bytes) -> bool:
    """Whether the statement is a plain SELECT, whose result the engine can hand out in pieces."""
    first = next(_words(sql), None)
    return first is not None and first[0] == b"SELECT"


def only_reads(sql: bytes) -> bool:
    """Whether the statement can be cut short without leaving anything half done."""
    return first_word(sql) in _READS


def keeps_state(sql: bytes) -> bool:
    """Whether the statement changes what later statements of the same session see."""
    return first_word(sql) in (b"SET", b"USE")


def makes_temporary(sql: bytes) -> bool:
    """Whether the statement makes a temporary table."""
    return [word for word, _, _ in islice(_words(sql), 2)] == [b"CREATE", b"TEMPORARY"]


def is_many(sql: bytes) -> bool:
    """Whether a second statement follows the first, which a ClickHouse server doesn't take over HTTP."""
    if b";" not in sql:
        return False
    ended = False
    for token in _TOKEN.finditer(sql):
        if ended and not token["skip"] and token["other"] != b";":
            return True
        ended = ended or token["other"] == b";"
    return False


def file_access(sql: bytes) -> str | None:
    """What in the statement reaches for files or programs of this machine, which a server wouldn't let it have."""
    if not _FILES.search(sql):
        return None
    previous = b""
    for token in _TOKEN.finditer(sql):
        if token["skip"]:
            continue
        if (token["other"] == b"(" and previous in _FILE_FUNCTIONS) or previous in (b"OUTFILE", b"INFILE"):
            return previous.decode()
        previous = (token["word"] or (token["quoted"] or b"").strip(b'`"')).upper()
    return None
