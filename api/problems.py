"""How is an error told to a client? As a problem document (RFC 9457) that says what to do and points at the place."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from tracemill.expressions import ExpressionError

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:tracemill:problem:"


class Trouble(Enum):
    """Everything that can go wrong: the last part of the problem's type, its status and its title."""

    BAD_PARAMETER = ("bad-parameter", 400, "A parameter can't be used")
    UNKNOWN_PARAMETER = ("unknown-parameter", 400, "There is no such parameter")
    BAD_BODY = ("bad-body", 400, "The body isn't what is asked for here")
    BAD_EXPRESSION = ("bad-expression", 400, "The filter isn't a condition over the columns there are")
    UNAUTHENTICATED = ("unauthenticated", 401, "A known token is needed")
    FOREIGN_HOST = ("foreign-host", 403, "Requests for another host aren't answered here")
    NOT_FOUND = ("not-found", 404, "There is nothing here")
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, "This can't be asked in this way")
    LIMIT_REACHED = ("limit-reached", 409, "There are as many as there may be")
    GONE = ("gone", 410, "The log no longer has it")
    BODY_TOO_LARGE = ("body-too-large", 413, "The body is too large")
    NOT_JSON = ("not-json", 415, "A body has to be JSON")
    TOO_EXPENSIVE = ("too-expensive", 422, "The question takes more than one request may")
    FAILED = ("failed", 500, "The answer failed")
    BUSY = ("busy", 503, "Too many questions at once")
    STORE_AWAY = ("store-away", 503, "The store doesn't answer")
    LOG_AWAY = ("log-away", 503, "The log doesn't answer")

    def __init__(self, slug: str, status: int, title: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title


class Problem(Exception):
    """An answer that isn't what was asked for; `more` are further members of the document."""

    def __init__(
        self,
        trouble: Trouble,
        detail: str,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail
        self.more = more or {}
        self.headers = headers or {}

    def document(self) -> dict[str, Any]:
        """The members of the problem document."""
        return {
            "type": TYPE_PREFIX + self.trouble.slug,
            "title": self.trouble.title,
            "status": self.trouble.status,
            "detail": self.detail,
            **self.more,
        }


def bad_parameter(name: str, detail: str) -> Problem:
    """A parameter with a value that isn't taken."""
    return Problem(Trouble.BAD_PARAMETER, f"{name}: {detail}", {"parameter": name})


def bad_expression(name: str, error: ExpressionError) -> Problem:
    """A filter that can't be read; `pointer` says where: offsets in characters, and the line with carets under it."""
    pointer = {
        "start": error.start,
        "end": error.end,
        "text": error.text[error.start : error.end],
        "lines": error.pointing().split("\n"),
    }
    return Problem(Trouble.BAD_EXPRESSION, f"{name}: {error.message}", {"parameter": name, "pointer": pointer})


def away(detail: str, trouble: Trouble = Trouble.STORE_AWAY) -> Problem:
    """Something that passes: ask again in a second."""
    return Problem(trouble, detail, headers={"retry-after": "1"})
