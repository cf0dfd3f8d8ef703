"""What does a request for a list ask? Its query parameters, read, checked and limited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from api import paging, times
from api.listings import CONTENT_NAMES, Listing
from api.paging import Order, Place
from api.problems import Problem, Trouble, bad_expression, bad_parameter
from api.times import Window
from tracemill.expressions import Expression, ExpressionError, parse_condition
from tracemill.expressions.problems import did_you_mean, listing

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
PARAMETER_CHARACTERS: Final = 8_192


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter: its name, what it does, and its JSON schema."""

    name: str
    doc: str
    schema: Mapping[str, Any]


FILTER: Final = Parameter(
    "filter",
    "A condition: SQL over the columns, such as `error_count > 0 AND duration_ms > 1000`. Over traces also "
    "`any_span(…)`, `all_spans(…)` and `count_spans(…)` of a condition over the columns of a span.",
    {"type": "string", "examples": ["error_count > 0", "any_span(tool_name = 'sql' AND status_code = 'ERROR')"]},
)
FILTER_OF_SPANS: Final = Parameter(
    "filter",
    "A condition: SQL over the columns, such as `span_type = 'tool' AND status_code = 'ERROR'`.",
    {"type": "string", "examples": ["status_code = 'ERROR'", "attribute('http.route') = '/chat'"]},
)
FROM: Final = Parameter(
    "from",
    "The earliest moment, included: RFC 3339, unix seconds, a day, or how long ago (`15m`, `1h`, `7d`). Traces by the "
    "time their first record came in (`opened_at`), spans by their start. An hour before `to` where not given.",
    {"type": "string", "default": "1h", "examples": ["1h", "2026-01-31T12:00:00Z"]},
)
TO: Final = Parameter("to", "The end, not included; now where not given.", {"type": "string", "examples": ["5m"]})
ORDER: Final = Parameter(
    "order",
    "A column, with `-` before it or ` desc` behind it for the largest first. The newest come first where not given.",
    {"type": "string", "examples": ["-duration_ms"]},
)
ORDER_OF_SPANS: Final = replace(ORDER, schema={"type": "string", "examples": ["-duration_ns"]})
LIMIT: Final = Parameter(
    "limit",
    "Rows in an answer.",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
)
CURSOR: Final = Parameter(
    "cursor", "`next_cursor` of the answer before, with all else but `limit` as it was.", {"type": "string"}
)
CONTENT: Final = Parameter(
    "content",
    f"Whether spans come with their long texts: {', '.join(sorted(CONTENT_NAMES))}.",
    {"type": "boolean", "default": False},
)
LISTED: Final = (FILTER, FROM, TO, ORDER, LIMIT, CURSOR)
LISTED_SPANS: Final = (FILTER_OF_SPANS, FROM, TO, ORDER_OF_SPANS, LIMIT, CURSOR)


@dataclass(frozen=True, slots=True)
class Question:
    """Rows of a listing: which, when, in which order, how many, behind which place."""

    of: Listing
    filter: Expression | None
    window: Window
    order: Order
    limit: int
    behind: Place | None
    fingerprint: str


def values(given: Iterable[tuple[str, str]], known: Sequence[Parameter]) -> dict[str, str]:
    """The parameters of a request by name; an empty one counts as not given.

    Raises:
        Problem: one is unknown, given twice, or far too long.
    """
    names = [parameter.name for parameter in known]
    found: dict[str, str] = {}
    for name, value in given:
        if name not in names:
            raise _unknown(name, names)
        if name in found:
            raise bad_parameter(name, "it is given twice: give it once")
        if len(value) > PARAMETER_CHARACTERS:
            raise bad_parameter(name, f"it has {len(value)} characters; at most {PARAMETER_CHARACTERS} are taken")
        found[name] = value
    return {name: value for name, value in found.items() if value != ""}


def read(given: Mapping[str, str], of: Listing, now_ns: int, default_limit: int = DEFAULT_LIMIT) -> Question:
    """The question that parameters (as from `values`) ask about a listing.

    Raises:
        Problem: one of them can't be used; it is named.
    """
    order = paging.read_order(given.get("order", of.default_order), of)
    question = Question(
        of=of,
        filter=_filter(given.get("filter"), of),
        window=times.window(given.get("from"), given.get("to"), now_ns),
        order=order,
        limit=_limit(given.get("limit"), default_limit),
        behind=None,
        fingerprint=paging.fingerprint(of.name, *(given.get(name) for name in ("filter", "from", "to", "order"))),
    )
    if "cursor" not in given:
        return question
    cursor = paging.read_cursor(given["cursor"], question.fingerprint, order, of)
    return replace(question, window=cursor.window, behind=cursor.place)


def read_flag(given: Mapping[str, str], parameter: Parameter) -> bool:
    """A parameter that is `true` or `false`; false where not given.

    Raises:
        Problem: it is something else.
    """
    text = given.get(parameter.name, "false")
    if text not in ("true", "false"):
        raise bad_parameter(parameter.name, f"{text[:80]!r}: write true or false")
    return text == "true"


def read_id(name: str, text: str, digits: int) -> str:
    """A trace's or span's id in lower case.

    Raises:
        Problem: it hasn't that many hex digits.
    """
    id_ = text.lower()
    if len(id_) != digits or not all(letter in "0123456789abcdef" for letter in id_):
        raise bad_parameter(name, f"{text[:80]!r} hasn't {digits} hex digits")
    return id_


def _unknown(name: str, names: Sequence[str]) -> Problem:
    known = listing(names) or "it takes none"
    detail = f"{name[:80]}: there is no such parameter{did_you_mean(name[:80], names)}; there are: {known}"
    return Problem(Trouble.UNKNOWN_PARAMETER, detail, {"parameter": name[:80], "known": sorted(names)})


def _filter(text: str | None, of: Listing) -> Expression | None:
    if text is None:
        return None
    try:
        return parse_condition(text, of.kinds, of.inner_kinds)
    except ExpressionError as error:
        raise bad_expression("filter", error) from error


def _limit(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= MAX_LIMIT):
        raise bad_parameter("limit", f"{text[:80]!r}: write a number from 1 to {MAX_LIMIT:,}; more come with `cursor`")
    return int(text)
