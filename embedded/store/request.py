"""What does a request ask of the engine? Query, parameters, settings, database, session, formats and encodings."""

from __future__ import annotations

import base64
import binascii
import email.message
import email.parser
import email.policy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import uuid4

from embedded.store.failures import QueryFailed

SESSION_TIMEOUT_S: Final = 60
SESSION_TIMEOUT_MAX_S: Final = 3600
_SETTING: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NOT_SETTINGS: Final = frozenset(
    {
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "quota_key",
        "query_id",
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "client_protocol_version",
        "wait_end_of_query",
        "buffer_size",
        "stacktrace",
    }
)
_BINARY_COMPRESSION: Final = frozenset({"compress", "decompress"})


@dataclass(frozen=True, slots=True)
class Session:
    """A session as a request names it."""

    id: str
    timeout_s: int
    must_exist: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its body. Settings and parameters are text, as they came."""

    query: bytes
    read_only: bool
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    database: str = ""
    default_format: str = "TabSeparated"
    query_id: str = ""
    session: Session | None = None
    user: str = "default"
    password: str = ""
    content_encoding: str = ""
    accept_encoding: str = ""

    @property
    def compressed_answer(self) -> bool:
        """Whether the client wants its answer compressed, as ClickHouse takes it: asked for and switched on."""
        return self.settings.get("enable_http_compression", "0") not in ("0", "false")

    @property
    def cancel_when_gone(self) -> bool:
        """Whether a query that only reads ends when the client hangs up."""
        return self.settings.get("cancel_http_readonly_queries_on_client_close", "0") not in ("0", "false")


def parse(method: str, query_string: bytes, headers: Mapping[str, str], form: Iterable[tuple[str, str]]) -> Request:
    """The request in a URL's query string, lower-case headers and the fields of a form, if it came as one.

    Raises:
        QueryFailed: a part of it is refused, with ClickHouse's own code.
    """
    fields = [*_url_fields(query_string), *form]
    single = dict(fields)
    user, password = _credentials(headers, single)
    return Request(
        query="".join(value for name, value in fields if name == "query").encode(errors="surrogateescape"),
        read_only=method in ("GET", "HEAD"),
        settings=_settings(single),
        parameters={name.removeprefix("param_"): value for name, value in fields if name.startswith("param_")},
        database=single.get("database") or headers.get("x-clickhouse-database", ""),
        default_format=single.get("default_format") or headers.get("x-clickhouse-format") or "TabSeparated",
        query_id=single.get("query_id") or str(uuid4()),
        session=_session(single),
        user=user,
        password=password,
        content_encoding=headers.get("content-encoding", "").strip().lower(),
        accept_encoding=headers.get("accept-encoding", ""),
    )


def _url_fields(query_string: bytes) -> list[tuple[str, str]]:
    return parse_qsl(
        query_string.decode("latin-1"), keep_blank_values=True, errors="surrogateescape", max_num_fields=2_000
    )


def _settings(fields: Mapping[str, str]) -> dict[str, str]:
    for name in _BINARY_COMPRESSION & fields.keys():
        if fields[name] not in ("", "0"):
            what = f"{name}=1 (ClickHouse's own block compression) isn't offered: use Accept-Encoding or"
            raise QueryFailed(48, "NOT_IMPLEMENTED", f"{what} Content-Encoding with lz4, zstd, gzip, deflate or br")
    known = _NOT_SETTINGS | _BINARY_COMPRESSION
    settings = {name: value for name, value in fields.items() if name not in known and not name.startswith("param_")}
    for name in settings:
        if not _SETTING.fullmatch(name):
            raise QueryFailed(115, "UNKNOWN_SETTING", f"Unknown setting {name!a}")
    return settings


def _session(fields: Mapping[str, str]) -> Session | None:
    if not fields.get("session_id"):
        return None
    text = fields.get("session_timeout", str(SESSION_TIMEOUT_S))
    if not text.isdecimal():
        raise QueryFailed(374, "INVALID_SESSION_TIMEOUT", f"Invalid session timeout: '{text}'")
    if int(text) > SESSION_TIMEOUT_MAX_S:
        raise QueryFailed(
            374,
            "INVALID_SESSION_TIMEOUT",
            f"Session timeout '{text}' is larger than max_session_timeout: {SESSION_TIMEOUT_MAX_S}",
        )
    return Session(fields["session_id"], int(text), fields.get("session_check") == "1")


def _credentials(headers: Mapping[str, str], fields: Mapping[str, str]) -> tuple[str, str]:
    """User and password from ClickHouse's headers, basic authentication or the URL, in this order."""
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        return headers.get("x-clickhouse-user", "default"), headers.get("x-clickhouse-key", "")
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise QueryFailed(516, "AUTHENTICATION_FAILED", f"Invalid basic authentication: {error}") from error
        return user or "default", password
    return fields.get("user") or "default", fields.get("password", "")


def is_form(content_type: str) -> bool:
    """Whether a body is a form whose fields are the query and its parameters."""
    return content_type.lower().startswith("multipart/form-data")


def form_fields(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """Names and values of a multipart form.

    Raises:
        QueryFailed: it carries a file; data sent along with a query ("external data") isn't offered.
    """
    head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    return [_field(part) for part in message.iter_parts()]


def _field(part: email.message.MIMEPart[Any, Any]) -> tuple[str, str]:
    name = str(part.get_param("name", "", header="content-disposition"))
    if part.get_filename() is not None:
        raise QueryFailed(48, "NOT_IMPLEMENTED", f"External data ('{name}') isn't offered: insert it into a table")
    content = part.get_payload(decode=True)
    return name, content.decode(errors="surrogateescape") if isinstance(content, bytes) else ""
