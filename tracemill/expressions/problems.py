"""What is wrong with an expression, where in its text, and what can be written instead?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_WINDOW: Final = 96
_LISTED: Final = 60


class ExpressionError(ValueError):
    """An expression that isn't taken.

    `start` and `end` are character offsets into `text` (half-open); `str()` is the message alone, `pointing()` shows
    the place.
    """

    def __init__(self, message: str, text: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.start = max(0, min(start, len(text)))
        self.end = max(self.start, min(end, len(text)))

    def pointing(self) -> str:
        """Two lines: the line of the text that holds the error (cut to 96 characters) and carets under the place."""
        first = self.text.rfind("\n", 0, self.start) + 1
        last = self.text.find("\n", self.start)
        line = self.text[first : last if last >= 0 else len(self.text)]
        start, end = self.start - first, min(self.end - first, len(line))
        cut = max(0, start - _WINDOW // 2)
        shown = "".join(letter if letter.isprintable() else " " for letter in line[cut : cut + _WINDOW])
        width = max(1, min(end, cut + _WINDOW) - start)
        return f"{shown}\n{' ' * (start - cut)}{'^' * width}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?` when something known is close to `name`, else nothing."""
    close = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


def listing(names: Iterable[str]) -> str:
    """Names in order, separated by commas; of very many the first 60 and a count of the rest."""
    ordered = sorted(names)
    rest = len(ordered) - _LISTED
    return ", ".join(ordered[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
