"""What does a LIKE pattern mean? Pieces of literal text and wildcards, the same for every engine.

`%` is any text, `_` any one character, a backslash takes the next character literally. Only ASCII letters have a case:
what ILIKE folds beyond them differs between engines.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

INTEGER_TEXT: Final = r"\A-?[0-9]{1,19}\z"
"""What TO_INTEGER reads, as far as 64 bits hold it."""

_UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TO_LOWER: Final = str.maketrans(_UPPER, _UPPER.lower())
_META: Final = frozenset("\\.+*?()|[]{}^$")


class Wildcard(Enum):
    """What stands for text that isn't given."""

    ANY = "%"
    ONE = "_"


@dataclass(frozen=True, slots=True)
class LikePattern:
    """Literal texts and wildcards in order; no two wildcards ANY and no two texts side by side."""

    pieces: tuple[str | Wildcard, ...]
    ignore_case: bool

    def regex(self) -> str:
        """A regular expression for the whole text, in the subset that all engines read alike."""
        parts = [self._piece(piece) for piece in self.pieces]
        return rf"\A{''.join(parts)}\z"

    def _piece(self, piece: str | Wildcard) -> str:
        if piece is Wildcard.ANY:
            return r"(?s:.*)"
        if piece is Wildcard.ONE:
            return r"(?s:.)"
        assert isinstance(piece, str)
        return "".join(either_case(letter) if self.ignore_case else quoted(letter) for letter in piece)

    def sql(self) -> str:
        """The pattern again, with a backslash before each literal `%`, `_` and backslash."""
        return "".join(
            piece.value if isinstance(piece, Wildcard) else piece.translate(_LIKE_QUOTES) for piece in self.pieces
        )


_LIKE_QUOTES: Final = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def read_like(pattern: str, ignore_case: bool) -> LikePattern:
    """The pieces of a pattern; with `ignore_case` its ASCII letters are lower-cased.

    Raises:
        ValueError: the pattern ends in a lone backslash.
    """
    pieces: list[str | Wildcard] = []
    letters = iter(lower_ascii(pattern) if ignore_case else pattern)
    for letter in letters:
        if letter == "\\":
            following = next(letters, None)
            if following is None:
                raise ValueError(r"the pattern ends in a lone backslash; write `\\` for a backslash")
            _append(pieces, following)
        elif letter in "%_":
            wildcard = Wildcard(letter)
            if wildcard is Wildcard.ONE or not pieces or pieces[-1] is not Wildcard.ANY:
                pieces.append(wildcard)
        else:
            _append(pieces, letter)
    return LikePattern(tuple(pieces), ignore_case)


def _append(pieces: list[str | Wildcard], letter: str) -> None:
    last = pieces[-1] if pieces else None
    if isinstance(last, str):
        pieces[-1] = last + letter
    else:
        pieces.append(letter)


def lower_ascii(text: str) -> str:
    """The text with A-Z lower-cased and everything else as it was."""
    return text.translate(_TO_LOWER)


def quoted(letter: str) -> str:
    """A character as itself in a regular expression."""
    return "\\" + letter if letter in _META else letter


def either_case(letter: str) -> str:
    """A character in both its cases if it is an ASCII letter, in a regular expression."""
    if letter.isascii() and letter.isalpha():
        return f"[{letter.upper()}{letter.lower()}]"
    return quoted(letter)
