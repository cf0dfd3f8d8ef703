"""How are numbers and times written for people?"""

from __future__ import annotations

from typing import Final

from tracemill.expressions.kinds import read_time

NOTHING: Final = "–"
_UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "m"))


def duration(milliseconds: float | None) -> str:
    """A duration with the digits that matter: `870 µs`, `12.4 ms`, `1.52 s`, `3 m 04 s`, `2 h 10 m`."""
    if milliseconds is None:
        return NOTHING
    if milliseconds == 0:
        return "0 ms"
    if milliseconds < 1:
        return f"{milliseconds * 1000:.0f} µs"
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms" if milliseconds < 99.5 else f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 3_600:
        return f"{whole // 60} m {whole % 60:02} s"
    return f"{whole // 3_600:,} h {whole % 3_600 // 60:02} m"


def money(usd: float | None) -> str:
    """Dollars; fractions of a cent with two digits that matter."""
    if usd is None:
        return NOTHING
    if usd == 0:
        return "$0"
    return f"${usd:,.2f}" if abs(usd) >= 0.1 else f"${usd:.2g}" if abs(usd) < 0.0001 else f"${usd:.4f}"


def count(number: float | None) -> str:
    """A whole number with separators."""
    return NOTHING if number is None else f"{number:,.0f}"


def ago(at: str, now_ns: int) -> str:
    """How long ago an RFC 3339 time was: `12 s`, `5 m`, `3 h`, `2 d`."""
    seconds = (now_ns - (read_time(at) or now_ns)) / 1e9
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"


def since(at: str, start: str) -> float:
    """Milliseconds from one RFC 3339 time to another."""
    return ((read_time(at) or 0) - (read_time(start) or 0)) / 1e6


def clock(at: str) -> str:
    """An RFC 3339 time to the millisecond, without its `T`: `2026-01-31 12:00:00.123`."""
    return at[:23].replace("T", " ")
