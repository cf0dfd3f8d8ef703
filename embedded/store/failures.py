"""How does ClickHouse answer what failed? Its code and name, its own words, and the HTTP status that goes with them."""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(r"Code: (\d+)\. DB::Exception: ")
_NAME: Final = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")
_VERSION: Final = re.compile(r"\(version [^()]*(?:\([^()]*\))?\)\s*$")

_STATUS: Final[dict[int, frozenset[str]]] = {
    400: frozenset(
        {
            "BAD_ARGUMENTS",
            "CANNOT_COMPILE_REGEXP",
            "CANNOT_PARSE_DATE",
            "CANNOT_PARSE_DATETIME",
            "CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING",
            "CANNOT_PARSE_ESCAPE_SEQUENCE",
            "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
            "CANNOT_PARSE_IPV4",
            "CANNOT_PARSE_IPV6",
            "CANNOT_PARSE_NUMBER",
            "CANNOT_PARSE_QUOTED_STRING",
            "CANNOT_PARSE_TEXT",
            "CANNOT_PARSE_UUID",
            "DUPLICATE_COLUMN",
            "ILLEGAL_COLUMN",
            "INCORRECT_DATA",
            "SYNTAX_ERROR",
            "THERE_IS_NO_COLUMN",
            "TOO_BIG_AST",
            "TOO_DEEP_AST",
            "TYPE_MISMATCH",
            "UNEXPECTED_AST_STRUCTURE",
            "UNKNOWN_ELEMENT_IN_AST",
            "UNKNOWN_TYPE_OF_AST_NODE",
            "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
        }
    ),
    401: frozenset({"REQUIRED_PASSWORD"}),
    403: frozenset({"ACCESS_DENIED", "AUTHENTICATION_FAILED"}),
    404: frozenset(
        {
            "UNKNOWN_AGGREGATE_FUNCTION",
            "UNKNOWN_DATABASE",
            "UNKNOWN_DATABASE_ENGINE",
            "UNKNOWN_DIRECTION_OF_SORTING",
            "UNKNOWN_FORMAT",
            "UNKNOWN_FUNCTION",
            "UNKNOWN_IDENTIFIER",
            "UNKNOWN_SETTING",
            "UNKNOWN_STORAGE",
            "UNKNOWN_TABLE",
            "UNKNOWN_TYPE",
            "UNKNOWN_TYPE_OF_QUERY",
        }
    ),
    408: frozenset({"TIMEOUT_EXCEEDED"}),
    413: frozenset({"QUERY_IS_TOO_LARGE", "TOO_MANY_BYTES"}),
    501: frozenset({"NOT_IMPLEMENTED"}),
    # A ClickHouse server says 500 to the first of these; clients try again after a 503, which is what helps.
    503: frozenset({"TOO_MANY_SIMULTANEOUS_QUERIES", "CANNOT_OPEN_FILE", "CANNOT_SCHEDULE_TASK", "SOCKET_TIMEOUT"}),
}
_BY_NAME: Final = {name: status for status, names in _STATUS.items() for name in names}


class QueryFailed(Exception):
    """A request that failed: ClickHouse's code and name of the error, and its text without `Code: …`."""

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.name = name
        self.text = text

    @property
    def status(self) -> int:
        """The HTTP status that a ClickHouse server answers with."""
        return _BY_NAME.get(self.name, 500)

    def body(self, version: str) -> bytes:
        """What a ClickHouse server of `version` writes into the answer."""
        return f"Code: {self.code}. DB::Exception: {self.text} ({self.name}) (version {version})\n".encode()


def from_engine(message: str) -> QueryFailed:
    """The failure in what the engine raised; its nested codes and words are kept as they are."""
    code = _CODE.search(message)
    if not code:
        return QueryFailed(1001, "STD_EXCEPTION", message.strip())
    text = _VERSION.sub("", message[code.end() :]).strip()
    names = _NAME.findall(text)
    name = names[-1] if names else "UNKNOWN_EXCEPTION"
    return QueryFailed(int(code[1]), name, text.removesuffix(f"({name})").rstrip())
