"""Which moment does an option mean? Written as the API takes it."""

from __future__ import annotations

from typing import Final

from tracemill.config import ConfigError

_MILLISECOND_NS: Final = 1_000_000


def moment_ms(option: str, text: str, now_ms: int) -> int:
    """The moment in an option, in milliseconds since 1970.

    Raises:
        ConfigError: the text is no time; the option is named.
    """
    from api.problems import Problem
    from api.times import moment

    try:
        return moment(option, text, now_ms * _MILLISECOND_NS) // _MILLISECOND_NS
    except Problem as problem:
        raise ConfigError(problem.detail) from problem
