"""Which moment does a text mean, and which span of time do two of them make?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from api.problems import bad_parameter
from tracemill.expressions.kinds import read_time

SECOND_NS: Final = 1_000_000_000
DEFAULT_WINDOW_NS: Final = 3_600 * SECOND_NS

_UNIT_NS: Final = {
    "s": SECOND_NS,
    "m": 60 * SECOND_NS,
    "h": 3_600 * SECOND_NS,
    "d": 86_400 * SECOND_NS,
    "w": 7 * 86_400 * SECOND_NS,
}
_RELATIVE: Final = re.compile(r"-?(\d{1,6})([smhdw])", re.ASCII)
_UNIX: Final = re.compile(r"(\d{1,10})(?:\.(\d{1,9}))?", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MINUTE: Final = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d)(Z|[+-]\d\d:\d\d)", re.ASCII)
_FORMS: Final = "write a time such as 2026-01-31T12:00:00Z, unix seconds, a day, or how long ago: 15m, 1h, 7d"


@dataclass(frozen=True, slots=True)
class Window:
    """From a moment (included) to another (not included), in nanoseconds since 1970."""

    from_ns: int
    to_ns: int


def window(from_text: str | None, to_text: str | None, now_ns: int) -> Window:
    """The window that two parameters mean; the hour before its end where the start isn't given.

    Raises:
        Problem: one of them is no time, or the window is empty.
    """
    to_ns = now_ns if to_text is None else moment("to", to_text, now_ns)
    from_ns = max(0, to_ns - DEFAULT_WINDOW_NS) if from_text is None else moment("from", from_text, now_ns)
    if from_ns >= to_ns:
        raise bad_parameter("from", f"{rfc3339(from_ns)} isn't before {rfc3339(to_ns)} (`to`): nothing could be found")
    return Window(from_ns, to_ns)


def moment(name: str, text: str, now_ns: int) -> int:
    """The moment in the parameter `name`, in nanoseconds since 1970.

    Raises:
        Problem: the text is no time.
    """
    if text == "now":
        return now_ns
    if found := _RELATIVE.fullmatch(text):
        return max(0, now_ns - int(found[1]) * _UNIT_NS[found[2]])
    if found := _UNIX.fullmatch(text):
        return min(int(found[1]) * SECOND_NS + int((found[2] or "0").ljust(9, "0")), 2**63 - 1)
    exact = read_time(_with_seconds(text.upper()))
    if exact is None:
        zone = "; a + in a URL must be written %2B" if re.search(r" \d\d:\d\d$", text) else ""
        raise bad_parameter(name, f"{text[:80]!r} is no time: {_FORMS}{zone}")
    return exact


def _with_seconds(text: str) -> str:
    """A day or a minute as the second that it begins with; anything else as it is."""
    return f"{text}T00:00:00Z" if _DAY.fullmatch(text) else _MINUTE.sub(r"\1:00\2", text)


def rfc3339(at_ns: int) -> str:
    """A moment with nine digits of its second, in UTC."""
    seconds, rest = divmod(at_ns, SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
